"""What is live never falls behind: the newest picture is kept, with the time of its capture, and no other."""

import threading
import time
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cameras.options import SourceOptions
from cameras.sources.capture import Captured, PacketTimes
from cameras.sources.errors import Fault, SourceError, failure, plain_errors
from cameras.sources.http import is_snapshot
from cameras.sources.needed import Needed
from cameras.sources.opening import Way, opened, sound_pictures
from recognition.images import ImageError, open_image
from recognition.types import RGB, Frame

_HANGING = 3
"""Threads that may hang in reads of one source that no time-out ends."""
_started: dict[str, list[threading.Thread]] = {}
_started_lock = threading.Lock()


class _Arrival(NamedTuple):
    """A picture decoded, or still packed where each can be decoded by itself."""

    picture: Any
    at: datetime
    number: int
    packed: bool = False
    decode_seconds: float = 0.0
    clock_ahead: float | None = None


class _Newest:
    """Reads a live source in a thread of its own and keeps its newest picture only.

    A source that is not read at its own speed fills the buffers on the way, and each frame comes later than
    the one before; so reading must not wait for recognition.
    """

    def __init__(self, way: Way, fps: float, options: SourceOptions) -> None:
        self._way, self._fps, self._options = way, fps, options
        self._changed = threading.Condition()
        self._arrival: _Arrival | None = None
        # Stays so when the thread dies of what nobody foresaw.
        self._failure: SourceError | None = failure(Fault.BROKEN)
        self._stop = threading.Event()
        self._count = 0
        self._ended = False
        #: The source could be opened.
        self.connected = False
        #: Pictures that could not be decoded, or came with parts of them lost.
        self.damaged = 0
        self.sound = 0
        #: Seconds of decoding since a picture was last taken.
        self._decoding = 0.0
        self._clock_ahead: float | None = None
        self._judged = time.monotonic(), 0, 0
        #: Everything was taken and there will be no more.
        self.finished = False
        # A daemon: a read that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="camera-decoder", daemon=True)
        _start(self._thread, way.address)

    def take(self, timeout: float) -> _Arrival | None:
        """The newest picture not taken yet; None when none came in time or the stream is `finished`.

        Raises SourceError when the thread failed, after its last picture was taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._arrival or self._ended, timeout)
            arrival, self._arrival = self._arrival, None
            if arrival is not None:
                arrival = arrival._replace(decode_seconds=self._decoding)
                self._decoding = 0.0
            if arrival is None and self._ended:
                if self._failure:
                    raise self._failure
                self.finished = True
            return arrival

    def silence(self, damaged: int) -> SourceError:
        """Why no sound picture came for so long, with so many damaged ones up to the last sound one."""
        if not self.connected:
            return failure(Fault.TIMEOUT)
        if self.damaged > damaged:
            return failure(Fault.CORRUPT)
        return failure(Fault.SILENT, seconds=f"{self._options.silence:.0f}")

    def spoilt(self) -> bool:
        """True when four of five pictures were damaged for as long as a source may be silent.

        Now and then a damaged one passes for sound, so that waiting for silence would take for ever.
        """
        since, damaged, sound = self._judged
        if time.monotonic() - since < self._options.silence:
            return False
        self._judged = time.monotonic(), self.damaged, self.sound
        return self.damaged - damaged > 4 * (self.sound - sound)

    def close(self) -> None:
        """End the thread: at its next picture or, from a silent source, at its read time-out."""
        self._stop.set()
        self._thread.join(self._options.tick)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                started = time.monotonic()
                with opened(self._way, self._options) as (container, video):
                    self.connected, snapshot = True, is_snapshot(container)
                    self._read(container, video)
                if not snapshot:
                    break
                every = self._options.poll or 1 / self._fps
                self._stop.wait(max(0.0, every - (time.monotonic() - started)))
            self._failure = None
        except SourceError as error:
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _read(self, container: Any, video: Any) -> None:
        decoder = video.codec_context
        alone, packed = decoder.codec.intra_only, decoder.name == "mjpeg"
        times = PacketTimes(stamped=self._way.stamped, behind=self._way.behind and not alone)
        needed = Needed(self._fps)
        for packet in container.demux(video):
            if self._stop.is_set():
                return
            at, self._clock_ahead = times.take(packet), times.clock_ahead
            # The last packet of a stream is empty, and has the decoder give what it still holds.
            last = not packet.size
            if packed:
                if not last:
                    self._keep(packet, times.of(packet, at), packed=True)
            elif last or needed.wants(at, key=packet.is_keyframe or alone, lag=times.lag):
                for picture in self._decoded(packet):
                    self._keep(picture, times.of(picture, at))
            else:
                self._count += 1
            times.ask()

    def _decoded(self, packet: Any) -> list[Any]:
        started = time.perf_counter()
        pictures = list(sound_pictures(packet))
        with self._changed:
            self._decoding += time.perf_counter() - started
        sound = [picture for picture in pictures if picture is not None]
        self.damaged += len(pictures) - len(sound)
        self.sound += len(sound)
        return sound

    def _keep(self, picture: Any, at: float, *, packed: bool = False) -> None:
        with self._changed:
            moment = datetime.fromtimestamp(at, UTC)
            self._arrival = _Arrival(picture, moment, self._count, packed, clock_ahead=self._clock_ahead)
            self._changed.notify()
        self._count += 1


def _start(thread: threading.Thread, address: str) -> None:
    """Start it, unless too many of this source hang already, as in a driver. Raises SourceError."""
    with _started_lock:
        for known, threads in list(_started.items()):
            _started[known] = [one for one in threads if one.is_alive()]
            if not _started[known]:
                del _started[known]
        mine = _started.setdefault(address, [])
        if len(mine) >= _HANGING:
            raise failure(Fault.TIMEOUT)
        thread.start()
        mine.append(thread)


def _frame(arrival: _Arrival) -> Frame | None:
    """The picture converted, with what is known of it; None when it is damaged. Raises SourceError."""
    started = time.perf_counter()
    image = _image(arrival)
    if image is None:
        return None
    spent = arrival.decode_seconds + time.perf_counter() - started
    return Captured(image, arrival.at, arrival.number, spent, arrival.clock_ahead)


def _image(arrival: _Arrival) -> RGB | None:
    """The picture in RGB; None when it is damaged. Raises SourceError when it is none."""
    if not arrival.packed:
        with plain_errors(reading=True):
            image: RGB = arrival.picture.to_ndarray(format="rgb24")
            return image
    try:
        # By the rules for photos: FFmpeg fills what was cut off with grey and says nothing.
        return open_image(bytes(arrival.picture))
    except ImageError as error:
        if error.code == "not_an_image":
            raise failure(Fault.NOT_VIDEO) from None
        return None


def live(way: Way, fps: float, options: SourceOptions, *, endless: bool = True) -> Generator[Frame | None]:
    """Frames of a live source, by our clock and never faster than `fps`; None while there is no new one.

    Those that come while the consumer is busy are left out. Raises SourceError; the end of the stream is one
    where it is `endless`.
    """
    # A picture that is fetched seldom is not missed before it was due twice.
    patience = max(options.silence, 2 * options.poll)
    with closing(_Newest(way, fps, options)) as newest:
        due = heard = time.monotonic()
        damaged = 0
        while True:
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(min(pause, options.tick))
                if pause > options.tick:
                    yield None
                continue
            if newest.spoilt():
                raise failure(Fault.CORRUPT)
            arrival = newest.take(options.tick)
            if newest.finished:
                break
            frame = _frame(arrival) if arrival else None
            if arrival is not None and frame is not None:
                heard = time.monotonic()
                due = max(due + 1 / fps, heard)
                yield frame
                damaged = newest.damaged
                newest.sound += arrival.packed
                continue
            newest.damaged += arrival is not None
            if time.monotonic() - heard > patience:
                raise newest.silence(damaged)
            yield None
    if endless:
        raise failure(Fault.ENDED)
