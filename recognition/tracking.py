"""From reads in frames to passages: one per vehicle, with the votes of all its reads.

A passage is given out as soon as its text is settled, so that an alert is not late, and never twice for the
same vehicle. All times are capture times: a clip gives the same passages however fast it is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher

from recognition.boxes import area, centre, overlap
from recognition.engines import Engine
from recognition.plates import core, fold
from recognition.types import RGB, Box, Frame, Passage, PlateRead
from recognition.voting import Track


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """When reads belong together and when a passage is given out. Times in seconds.

    `gap`: unseen for longer, a vehicle is gone. `settle_reads` agreeing reads in a row, the last of a plate
    at least `good_height` pixels high, settle a text; from afar it is settled `settle_after` its first
    read, or half as long again for a vehicle that comes nearer, since small print such as RB gets legible
    late. Either way the text must hold `settle_share` of the votes and its best read have
    `settle_confidence`. `lone_confidence`: a vehicle that left with a single read needs this much. `quiet`:
    the same plate within this time after it was last seen is the same passage still.
    """

    gap: float = 2.0
    settle_reads: int = 3
    good_height: float = 36.0
    settle_after: float = 2.0
    settle_share: float = 0.6
    settle_confidence: float = 0.6
    lone_confidence: float = 0.6
    quiet: float = 20.0


class PassageBuilder:
    """Takes the frames of one camera in order of time and gives out passages. Not thread-safe."""

    def __init__(self, engine: Engine, rules: TrackingRules | None = None) -> None:
        """Use the engine for every frame, in its fast way (`thorough=False`)."""
        self._engine = engine
        self._rules = rules or TrackingRules()
        self._tracks: list[Track] = []
        #: Vehicle (core of its plate) -> when it was last seen, for those given out.
        self._known: dict[str, datetime] = {}

    def add(self, frame: Frame) -> list[Passage]:
        """Read a frame; the passages that it settles or closes, in order of their first sight."""
        started = time.perf_counter()
        reads = self._engine.find(frame.image, thorough=False)
        spent = (time.perf_counter() - started) * 1000 / max(1, len(reads))
        done = self._close(frame.captured_at)
        for read, track in self._matched(reads, frame):
            track.add(read, frame, spent)
            done += self._give_out(track) if self._settled(track) else []
            self._remember(track)
        return done

    def idle(self, now: datetime) -> list[Passage]:
        """Close what was unseen for too long at `now`, when no frame comes; passages not yet given out."""
        return self._close(now)

    def finish(self) -> list[Passage]:
        """Close every track, as after the last frame; the passages not yet given out."""
        tracks, self._tracks = self._tracks, []
        return [passage for track in tracks for passage in self._farewell(track)]

    def _matched(self, reads: list[PlateRead], frame: Frame) -> list[tuple[PlateRead, Track]]:
        """Each read with its track, the nearest pairs first; new tracks for reads that fit none."""
        pairs = sorted(
            ((score, r, t) for r, read in enumerate(reads) for t, track in enumerate(self._tracks)
             if (score := _likeness(track, read, frame)) > 0),
            reverse=True,
        )  # fmt: skip
        chosen: dict[int, Track] = {}
        taken: set[int] = set()
        for _, r, t in pairs:
            if r not in chosen and t not in taken:
                chosen[r] = self._tracks[t]
                taken.add(t)
        for r in range(len(reads)):
            if r not in chosen:
                chosen[r] = Track()
                self._tracks.append(chosen[r])
        return [(read, chosen[r]) for r, read in enumerate(reads)]

    def _close(self, now: datetime) -> list[Passage]:
        limit = now - timedelta(seconds=self._rules.gap)
        gone = [track for track in self._tracks if track.last_seen < limit]
        self._tracks = [track for track in self._tracks if track.last_seen >= limit]
        forgotten = now - timedelta(seconds=self._rules.quiet)
        self._known = {plate: seen for plate, seen in self._known.items() if seen >= forgotten}
        return [passage for track in gone for passage in self._farewell(track)]

    def _settled(self, track: Track) -> bool:
        rules = self._rules
        if track.given_out or len(track) < 2:
            return False
        vote = track.vote()
        near = track.last_box[3] - track.last_box[1] >= rules.good_height
        patience = rules.settle_after * (1.5 if track.direction == "approaching" else 1)
        long_enough = track.age >= patience or (near and track.agreeing_in_a_row() >= rules.settle_reads)
        return (
            long_enough
            and vote.share >= rules.settle_share
            and vote.best_confidence >= rules.settle_confidence
        )

    def _farewell(self, track: Track) -> list[Passage]:
        if track.given_out or (
            len(track) == 1 and track.vote().best_confidence < self._rules.lone_confidence
        ):
            return []
        return self._give_out(track)

    def _give_out(self, track: Track) -> list[Passage]:
        track.given_out = True
        passage = track.passage()
        if core(passage.read.text) in self._known:
            return []
        self._known[core(passage.read.text)] = track.last_seen
        return [passage]

    def _remember(self, track: Track) -> None:
        """Keep a vehicle that stands in view from being forgotten."""
        if track.given_out:
            self._known[core(track.vote().text)] = track.last_seen


def passages(
    frames: Iterable[Frame | None], engine: Engine, *, rules: TrackingRules | None = None
) -> Iterator[Passage]:
    """The passages of a whole clip or stream, each as soon as it is settled.

    A live source gives None while it has no new frame: vehicles that left meanwhile are not kept waiting.
    Where the source breaks off, what was in view is given out before its exception is raised.
    """
    builder = PassageBuilder(engine, rules)
    try:
        for frame in frames:
            yield from builder.add(frame) if frame is not None else builder.idle(datetime.now(UTC))
    except Exception:
        yield from builder.finish()
        raise
    yield from builder.finish()


def read_photo(image: RGB, captured_at: datetime, engine: Engine) -> list[Passage]:
    """The passages of a single photograph, one per plate, best first; the whole picture is searched.

    Raises ImageError for an unusable array and ValueError for a time without zone.
    """
    frame = Frame(image, captured_at)
    started = time.perf_counter()
    reads = engine.find(image, thorough=True)
    spent = (time.perf_counter() - started) * 1000 / max(1, len(reads))
    found = []
    for read in reads:
        track = Track()
        track.add(read, frame, spent)
        found.append(track.passage())
    return found


#: A plate moves at most this many of its own widths between two reads, plus as many again per second.
_REACH, _REACH_PER_SECOND = 1.5, 2.5
#: Its size changes at most this many times between two reads.
_SIZE_RATIO = 2.5
#: Texts less alike than this (0..1) are two vehicles unless their boxes overlap; below the lower figure they
#: are two vehicles even so, if the read is sure: the next car has stopped where the last one stood.
_ALIKE, _UNLIKE, _SURE = 0.5, 0.35, 0.6
_OVERLAPS = 0.2


def _likeness(track: Track, read: PlateRead, frame: Frame) -> float:
    """How well a read continues a track; 0 when it cannot. Overlap, nearness and the text count alike."""
    last = track.last_box
    seconds = (frame.captured_at - track.last_seen).total_seconds()
    # Two reads in one frame are two plates.
    if seconds <= 0 or not 1 / _SIZE_RATIO**2 < area(read.box) / max(1.0, area(last)) < _SIZE_RATIO**2:
        return 0.0
    shared = overlap(last, read.box)
    alike = SequenceMatcher(None, fold(read.text), fold(track.vote().text), autojunk=False).ratio()
    if alike < (_ALIKE if shared < _OVERLAPS else _UNLIKE if read.confidence >= _SURE else 0.0):
        return 0.0
    reach = (_REACH + _REACH_PER_SECOND * seconds) * max(last[2] - last[0], read.box[2] - read.box[0])
    nearness = 1 - _distance(last, read.box) / reach
    return nearness + shared + alike if nearness > 0 else 0.0


def _distance(first: Box, second: Box) -> float:
    (x1, y1), (x2, y2) = centre(first), centre(second)
    return float(((x1 - x2) ** 2 + (y1 - y2) ** 2) ** 0.5)
