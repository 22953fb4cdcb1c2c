"""Where a plate will be next, and which read continues which track."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from functools import lru_cache
from math import exp, hypot, log
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from recognition.boxes import area, centre, overlap
from recognition.plates import core, fold
from recognition.types import Box, PlateRead

#: Sights from which speed is measured, and the longest time that they may span, in seconds.
_SIGHTS, _SPAN = 5, 1.5
#: Seconds ahead for which the speed is believed; growth a second (natural logarithm) at most.
_HORIZON, _GROWTH = 1.0, 1.5
#: Movement of less than this many heights of the plate within the span is the detector's jitter.
_JITTER = 0.15
#: Sights kept to tell the direction.
_COURSE = 48
#: Growth (natural logarithm) that tells the direction, of the mean of several sights and of fewer than four.
_CLEAR, _CLEAR_OF_FEW = log(1.08), log(1.2)
#: Heights of the plate that it must move down or up to tell the direction, and share of its way across.
_WAY, _STEEP = 2.0, 0.35

#: A plate moves at most this many of its own widths away from where it is expected, plus as many a second.
_REACH, _REACH_PER_SECOND = 1.5, 2.5
#: Its size changes at most this many times between two reads.
_SIZE_RATIO = 2.5
#: How alike two texts are (0..1) that differ by one character, and by about half of them; how near such a
#: read must be to the expected place (1: there, 0: out of reach), the last where no speed is known yet.
_ONE_OFF, _ALIKE = 0.75, 0.5
_NEAR, _VERY_NEAR, _NEAR_BLINDLY = 0.2, 0.6, 0.0
#: On the same spot, texts less alike than this are two vehicles still, if the read is so sure: the next car
#: has stopped where the last one stood.
_UNLIKE, _SURE = 0.35, 0.6
#: Boxes of plates and of whole vehicles that overlap as much lie on the same spot.
_OVERLAPS, _RIDES = 0.2, 0.5
#: The very same text is worth as much again as half the way to the expected place.
_SAME_TEXT = 0.5
#: A vehicle that stood, was hidden and is read again may be misread as much, at nearly the same spot.
_STOOD = 0.3


class _Sight(NamedTuple):
    seconds: float
    x: float
    y: float
    height: float


class Motion:
    """The way of one plate through the picture, in bounded memory."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._latest: deque[_Sight] = deque(maxlen=_SIGHTS)
        self._course: list[_Sight] = []
        self._every, self._skipped = 1, 0
        self._start: datetime | None = None
        self._box: Box | None = None

    def see(self, box: Box, at: datetime) -> None:
        """The plate was in that box (pixels) at that time, later than all before."""
        self._start = self._start or at
        x, y = centre(box)
        sight = _Sight((at - self._start).total_seconds(), x, y, max(1.0, box[3] - box[1]))
        self._latest.append(sight)
        self._box = box
        self._skipped += 1
        if self._skipped >= self._every:
            self._skipped = 0
            self._course.append(sight)
        if len(self._course) > _COURSE:
            # Half as many sights of the whole way tell the direction as well.
            self._course, self._every = self._course[::2], 2 * self._every

    def expected(self, at: datetime) -> Box:
        """Where the plate should be at that time: on with its speed in the picture, growing as it did.

        A vehicle at steady speed moves faster in the picture the larger it gets, so its way is stretched by
        its growth. Later than a second after the last sight it is where it was expected then.

        Raises ValueError before the first sight.
        """
        if self._box is None or self._start is None:
            raise ValueError("Nothing was seen yet")
        now = self._latest[-1]
        ahead = min(_HORIZON, max(0.0, (at - self._start).total_seconds() - now.seconds))
        vx, vy, rate = self._speed()
        grown = exp(rate * ahead)
        dx, dy = vx * ahead * (1 + grown) / 2, vy * ahead * (1 + grown) / 2
        half_x, half_y = grown * (self._box[2] - self._box[0]) / 2, grown * (self._box[3] - self._box[1]) / 2
        x, y = now.x + dx, now.y + dy
        return x - half_x, y - half_y, x + half_x, y + half_y

    def was_near(self, box: Box, at: datetime) -> bool:
        """Whether the plate was so near to that box, in place and time, that it may have been there."""
        if self._start is None or not self._course:
            return False
        moment, (x, y) = (at - self._start).total_seconds(), centre(box)
        nearest = min(self._course, key=lambda sight: abs(sight.seconds - moment))
        reach = _REACH + _REACH_PER_SECOND * abs(nearest.seconds - moment)
        return hypot(nearest.x - x, nearest.y - y) < reach * (box[2] - box[0])

    @property
    def stands(self) -> bool:
        """Whether the plate was seen more than once and has not moved lately."""
        return len(self._latest) > 1 and self._speed() == (0.0, 0.0, 0.0)

    @property
    def direction(self) -> str:
        """ "approaching" or "leaving" by growth and by the way down or up the picture; "" while unclear.

        Seen from above the road, what comes nearer moves down. Both signs add up, so that they must not
        contradict each other; what mostly moves across says nothing by its way.
        """
        count = len(self._course)
        if count < 2:
            return ""
        part = max(1 if count < 4 else 2, count // 3)
        first, last = self._course[:part], self._course[-part:]
        before, after = _mean(first), _mean(last)
        sign = log(after.height / before.height) / (_CLEAR if count >= 4 else _CLEAR_OF_FEW)
        down, across = after.y - before.y, abs(after.x - before.x)
        if abs(down) >= _STEEP * across:
            sign += max(-1.0, min(1.0, down / (_WAY * (before.height + after.height) / 2)))
        if sign >= 1:
            return "approaching"
        return "leaving" if sign <= -1 else ""

    def _speed(self) -> tuple[float, float, float]:
        """Pixels a second across and down, and growth a second; zeros for one sight and for jitter."""
        now = self._latest[-1]
        since = next(sight for sight in self._latest if sight.seconds >= now.seconds - _SPAN)
        if since is now and len(self._latest) > 1:
            since = self._latest[-2]  # a low frame rate
        seconds = now.seconds - since.seconds
        moved = hypot(now.x - since.x, now.y - since.y)
        if seconds <= 0 or moved < _JITTER * now.height:
            return 0.0, 0.0, 0.0
        rate = log(now.height / since.height) / seconds
        return (
            (now.x - since.x) / seconds,
            (now.y - since.y) / seconds,
            max(-_GROWTH, min(_GROWTH, rate)),
        )


class Followed(Protocol):
    """A track as seen from here: where it was, where it should be, what it says so far."""

    @property
    def last_seen(self) -> datetime:
        """Capture time of its last read."""

    @property
    def last_box(self) -> Box:
        """Where its plate was then, in pixels."""

    @property
    def last_vehicle(self) -> Box | None:
        """Where the vehicle was then, if the engine saw it."""

    @property
    def stands(self) -> bool:
        """Whether it has not moved lately."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts most voted for, the winner first."""

    def expected(self, at: datetime) -> Box:
        """Where its plate should be at that time."""


def matched(tracks: Sequence[Followed], reads: Sequence[PlateRead], at: datetime) -> dict[int, int]:
    """Index of a read -> index of the track that it continues; reads that fit no track are left out.

    Of all ways to give each read one track the likeliest in all is taken, so that of two vehicles that cross
    neither takes the other's read.
    """
    scores = np.array([[likeness(track, read, at) for track in tracks] for read in reads])
    if not scores.size or not scores.any():
        return {}
    rows, columns = np.nonzero(scores)
    if len(set(rows.tolist())) < len(rows) or len(set(columns.tolist())) < len(columns):
        rows, columns = assignment()(scores, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if scores[row, column] > 0}


@lru_cache(maxsize=1)
def assignment() -> Callable[..., tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """SciPy's `linear_sum_assignment`. Loading it takes up to a second: do so before frames are waiting."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    return cast("Callable[..., tuple[NDArray[np.intp], NDArray[np.intp]]]", linear_sum_assignment)


def likeness(track: Followed, read: PlateRead, at: datetime) -> float:
    """How well a read continues a track that was seen lately; 0 when it cannot.

    Nearness to the expected place, overlap of the plates and of the vehicles, and the text all count.
    """
    seconds = (at - track.last_seen).total_seconds()
    # Two reads in one frame are two plates.
    if seconds <= 0:
        return 0.0
    last, due = track.last_box, track.expected(at)
    reach = (_REACH + _REACH_PER_SECOND * seconds) * max(last[2] - last[0], read.box[2] - read.box[0])
    nearness = 1 - _distance(due, read.box) / reach
    if nearness <= 0 or not (_of_a_size(last, read.box) or _of_a_size(due, read.box)):
        return 0.0
    shared = max(overlap(last, read.box), overlap(due, read.box))
    riding = _riding(track, read, due)
    alike = _alike(track, read)
    same = core(read.text) == core(track.texts[0])
    if shared >= _OVERLAPS or riding >= _RIDES:
        needed = 2.0 if alike < _UNLIKE and read.confidence >= _SURE else 0.0
    else:
        needed = 0.0 if same else _nearness_needed(alike, moving=due != last)
    if nearness <= needed:
        return 0.0
    return nearness + shared + riding / 2 + alike + (_SAME_TEXT if same else 0.0)


def _nearness_needed(alike: float, *, moving: bool) -> float:
    """How near another text must be that lies on another spot: the less alike, the nearer; 2 for never."""
    if alike >= _ONE_OFF:
        return _NEAR if moving else _NEAR_BLINDLY
    return _VERY_NEAR if alike >= _ALIKE else 2.0


def returns(track: Followed, read: PlateRead) -> bool:
    """Whether a read shows again a vehicle that was given out and then hidden for a while.

    It has the same plate wherever it is, or it stood and is read with doubt on the same spot, a little wrong.
    """
    if core(read.text) == core(track.texts[0]):
        return True
    return (
        track.stands
        and read.confidence < _SURE
        and overlap(track.last_box, read.box) >= _STOOD
        and not differ(track.texts[0], read.text)
    )


def differ(first: str, second: str) -> bool:
    """Whether two plates differ by more than a reader's slip in one character."""
    return text_likeness(first, second) < _ONE_OFF


@lru_cache(maxsize=4096)
def text_likeness(first: str, second: str) -> float:
    """How alike two plates are when look-alike characters count as the same, 0 to 1."""
    return SequenceMatcher(None, fold(first), fold(second), autojunk=False).ratio()


def _alike(track: Followed, read: PlateRead) -> float:
    return max(text_likeness(text, read.text) for text in track.texts)


def _riding(track: Followed, read: PlateRead, due: Box) -> float:
    """Overlap of the track's vehicle, moved on as its plate is expected to, with the read's; 0 if unseen."""
    before, now, last = track.last_vehicle, read.vehicle, track.last_box
    if before is None or now is None:
        return 0.0
    grown = (due[2] - due[0]) / max(1.0, last[2] - last[0])
    (x, y), (to_x, to_y) = centre(last), centre(due)
    moved = (to_x + grown * (before[0] - x), to_y + grown * (before[1] - y),
             to_x + grown * (before[2] - x), to_y + grown * (before[3] - y))  # fmt: skip
    return overlap(moved, now.box)


def _of_a_size(first: Box, second: Box) -> bool:
    return bool(1 / _SIZE_RATIO**2 < area(second) / max(1.0, area(first)) < _SIZE_RATIO**2)


def _mean(sights: Sequence[_Sight]) -> _Sight:
    count = len(sights)
    return _Sight(*(sum(values) / count for values in zip(*sights, strict=True)))


def _distance(first: Box, second: Box) -> float:
    (x1, y1), (x2, y2) = centre(first), centre(second)
    return hypot(x1 - x2, y1 - y2)
