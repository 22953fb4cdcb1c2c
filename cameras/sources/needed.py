"""Which parts of a video are worth decoding: what is decoded costs, whether anybody looks at it or not."""

from collections import deque

BEHIND = 2.0
"""Seconds by which a stream may come late before everything up to the next key picture is left out."""
PATIENCE = 5.0
"""Seconds to wait for a key picture. Some cameras send none, but refresh the picture bit by bit."""

_EQUAL = 1.05
"""By so much key pictures may come less often than frames are asked for."""


class Needed:
    """Chooses packets of one connection whose pictures build on one another (H.264, H.265).

    Decoding begins with a key picture. Where key pictures alone come as often as frames are asked for, only
    they are decoded. Where decoding cannot keep up, it goes on with the next key picture: newest first.
    """

    def __init__(self, fps: float) -> None:
        """`fps`: frames a second asked for."""
        self._interval = 1 / fps
        self._key_at: float | None = None
        self._gaps: deque[float] = deque(maxlen=3)
        #: Since when a key picture is waited for; None: what comes can be decoded.
        self._waiting: float | None = None
        self._begun = False

    def wants(self, at: float, *, key: bool, lag: float = 0.0) -> bool:
        """Whether the packet that came `at` these seconds is to be decoded."""
        if key:
            if self._key_at is not None:
                self._gaps.append(at - self._key_at)
            self._key_at, self._waiting, self._begun = at, None, True
            return True
        if self._waiting is None and (not self._begun or lag > BEHIND or self._keys_suffice(at)):
            self._waiting = at
        if self._waiting is None:
            return True
        if self._keys_suffice(at):
            self._waiting = at
        elif at - self._waiting > PATIENCE:
            self._waiting, self._begun = None, True
            return lag <= BEHIND
        return False

    def _keys_suffice(self, at: float) -> bool:
        if self._key_at is None or len(self._gaps) < 3:
            return False
        return max(self._gaps) <= self._interval * _EQUAL and at - self._key_at <= 2 * max(self._gaps)
