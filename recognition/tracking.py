"""From reads in frames to passages: one per vehicle, with the votes of all its reads.

A passage is given out as soon as its text is settled, so that an alert is not late, and never twice for the
same vehicle. All times are capture times: a clip gives the same passages however fast it is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from recognition.boxes import area, overlap
from recognition.engines import Engine
from recognition.following import assignment, matched, returns
from recognition.lanes import Lanes, stand
from recognition.motion_gate import MotionGate
from recognition.plates import core
from recognition.stays import OnStay, Stays
from recognition.track import Track
from recognition.types import RGB, Frame, Passage, PlateRead
from recognition.zones import Zones

Known: TypeAlias = Mapping[str, tuple[UUID, datetime]]
"""Passages by plate: the id of each and when its vehicle was captured."""

#: A read with this share of its box inside a better one's is the same plate found twice.
_TWICE = 0.6


@dataclass(frozen=True, slots=True)
class TrackingRules:
    """When reads belong together and when a passage is given out. Times in seconds.

    `gap`: unseen for longer, a vehicle is gone. `settle_reads` agreeing reads in a row, the last of a plate
    at least `good_height` pixels high, settle a text; from afar it is settled `settle_after` its first
    read, or half as long again for a vehicle that comes nearer, since small print such as RB gets legible
    late. Either way the text must hold `settle_share` of the votes and its best read have
    `settle_confidence`. `lone_confidence`: a vehicle that left with a single read needs this much. `quiet`:
    the same plate within this time after it was last seen is the same passage still, and so is a vehicle
    that stood and was hidden for as long; in a parking zone `parked_quiet` counts instead.

    A picture in which nothing moved is not read again (see `recognition.motion_gate`) while all vehicles in
    view have been given out, or stand undecided for `undecided`; each `look_anyway` one is read all the same.
    """

    gap: float = 2.0
    settle_reads: int = 3
    good_height: float = 36.0
    settle_after: float = 2.0
    settle_share: float = 0.6
    settle_confidence: float = 0.6
    lone_confidence: float = 0.6
    quiet: float = 20.0
    parked_quiet: float = 600.0
    undecided: float = 10.0
    look_anyway: float = 1.0


class PassageBuilder:
    """Takes the frames of one camera in order of time and gives out passages. Not thread-safe."""

    def __init__(
        self,
        engine: Engine,
        rules: TrackingRules | None = None,
        lanes: Lanes | None = None,
        zones: Zones | None = None,
        on_stay: OnStay | None = None,
        known: Known | None = None,
    ) -> None:
        """Use the engine for every frame in which something may have moved, in its fast way.

        `on_stay` hears of the vehicles that stand in the parking areas of `zones`. `known`: passages given
        out by whoever read this camera before; their vehicles may still be in view.
        """
        self._engine = engine
        self._rules = rules or TrackingRules()
        self._lanes = lanes or Lanes()
        self._stays = Stays(zones or Zones(), on_stay)
        self._gate = MotionGate()
        self._looked_at: datetime | None = None
        #: Those given out stay until they are forgotten, so that a vehicle which was hidden is known again.
        self._tracks: list[Track] = []
        self._latest: datetime | None = None
        self._known = {core(plate): passage for plate, passage in (known or {}).items()}
        #: Until when a vehicle that comes into view may be one that never left it.
        self._known_until: datetime | None = None
        assignment()

    def add(self, frame: Frame) -> list[Passage]:
        """Read a frame; the passages that it settles or closes, in order of their first sight."""
        done = self._restart(frame.captured_at)
        if self._unmoved(frame):
            return done + self._close(frame.captured_at)
        started = time.perf_counter()
        reads = self._engine.find(frame.image, thorough=False)
        spent = (time.perf_counter() - started) * 1000 / max(1, len(reads))
        self._known_until = self._known_until or frame.captured_at + timedelta(seconds=self._rules.quiet)
        self._gate.look(frame.image)
        self._looked_at = frame.captured_at
        done += self._close(frame.captured_at)
        height, width = frame.image.shape[:2]
        for read, track in self._matched(_distinct(reads), frame.captured_at):
            place = stand(read, width, height)
            track.add(read, frame, spent, self._lanes.at(place))
            self._stays.see(track, place, frame.captured_at)
            done += self._give_out(track) if self._settled(track) else []
        return done

    def _unmoved(self, frame: Frame) -> bool:
        """Whether there is nothing to read: then all who were in view stand where they stood."""
        now, looked = frame.captured_at, self._looked_at
        if looked is None or (now - looked).total_seconds() >= self._rules.look_anyway:
            return False
        in_view = [track for track in self._tracks if track.last_seen >= looked]
        if not all(track.given_out or track.age > self._rules.undecided for track in in_view):
            return False
        if self._gate.moved(frame.image):
            return False
        for track in in_view:
            track.remain(now)
            self._stays.remain(track, now)
        return True

    def idle(self, now: datetime) -> list[Passage]:
        """Close what was unseen for too long at `now`, when no frame comes; passages not yet given out."""
        return self._close(now)

    def finish(self) -> list[Passage]:
        """Close every track, as after the last frame; the passages not yet given out."""
        done = [passage for track in self._tracks for passage in self._farewell(track)]
        for track in self._tracks:
            self._stays.end(track)
        self._tracks, self._looked_at = [], None
        return done

    def _restart(self, now: datetime) -> list[Passage]:
        """Begin anew where the clock was set back, or nothing would ever be unseen for long."""
        before, self._latest = self._latest, now
        if before is None or (before - now).total_seconds() <= self._rules.gap:
            return []
        return self.finish()

    def _matched(self, reads: list[PlateRead], now: datetime) -> list[tuple[PlateRead, Track]]:
        """Each read with its track; one given out and hidden since, or a new one, for reads that fit none."""
        limit = now - timedelta(seconds=self._rules.gap)
        present = [track for track in self._tracks if track.last_seen >= limit]
        hidden = [track for track in self._tracks if track.last_seen < limit]
        continued = {r: present[t] for r, t in matched(present, reads, now).items()}
        pairs = []
        for r, read in enumerate(reads):
            track = continued.get(r) or next((known for known in hidden if returns(known, read)), None)
            if track is None or track.is_usurped_by(read, self._rules.settle_reads):
                track = Track()
                self._tracks.append(track)
            hidden = [known for known in hidden if known is not track]
            pairs.append((read, track))
        for _, track in pairs:
            if not track:
                track.company = tuple(other for _, other in pairs if other is not track)
        return pairs

    def _close(self, now: datetime) -> list[Passage]:
        """Say farewell to tracks unseen for the gap, and forget those given out after the quiet time."""
        gone = now - timedelta(seconds=self._rules.gap)
        leaving = [track for track in self._tracks if track.last_seen < gone and not track.given_out]
        done = [passage for track in leaving for passage in self._farewell(track)]
        for track in [track for track in self._tracks if self._is_forgotten(track, now)]:
            self._stays.end(track)
            self._tracks.remove(track)
        return done

    def _is_forgotten(self, track: Track, now: datetime) -> bool:
        rules = self._rules
        quiet = rules.parked_quiet if self._stays.parked(track) else rules.quiet
        return (now - track.last_seen).total_seconds() > (quiet if track.given_out else rules.gap)

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
        if track.given_out or self._is_echo(track):
            return []
        if len(track) == 1 and track.vote().best_confidence < self._rules.lone_confidence:
            return []
        return self._give_out(track)

    def _is_echo(self, track: Track) -> bool:
        """Whether one or two odd reads are another vehicle's that was read there right before or after.

        Two vehicles cannot stand on the same spot, but one that was hidden may come into view with a misread.
        """
        if len(track) >= self._rules.settle_reads:
            return False
        return any(track.is_echo_of(other) for other in self._tracks)

    def _give_out(self, track: Track) -> list[Passage]:
        track.given_out, track.company = True, ()
        passage = track.passage()
        vehicle = core(passage.read.text)
        others = (other for other in self._tracks if other.given_out and other is not track)
        known = next((other for other in others if core(other.vote().text) == vehicle), None)
        if known:
            track.passage_id, track.captured_at = known.passage_id, known.captured_at
            return []
        if never_left := self._never_left(passage, vehicle):
            track.passage_id, track.captured_at = never_left
            return []
        track.captured_at = passage.captured_at
        return [passage]

    def _never_left(self, passage: Passage, vehicle: str) -> tuple[UUID, datetime] | None:
        """Its passage of before our time. By its very text: a misread must not hide the right one."""
        until = self._known_until
        return self._known.get(vehicle) if until and passage.first_seen <= until else None


def _distinct(reads: list[PlateRead]) -> list[PlateRead]:
    """The reads, best first, without those of a plate that another, better read has found too."""
    kept: list[PlateRead] = []
    for read in sorted(reads, key=lambda read: -read.confidence):
        if not any(_same_plate(read, better) for better in kept):
            kept.append(read)
    return kept


def _same_plate(first: PlateRead, second: PlateRead) -> bool:
    both, shared = (area(first.box), area(second.box)), overlap(first.box, second.box)
    # What is shared over what is covered, turned into what is shared over the smaller box.
    return shared / (1 + shared) * sum(both) >= _TWICE * max(1.0, min(both))


def passages(
    frames: Iterable[Frame | None],
    engine: Engine,
    *,
    rules: TrackingRules | None = None,
    lanes: Lanes | None = None,
    zones: Zones | None = None,
    on_stay: OnStay | None = None,
    known: Known | None = None,
) -> Iterator[Passage]:
    """The passages of a whole clip or stream, each as soon as it is settled (see `PassageBuilder`).

    A live source gives None while it has no new frame: vehicles that left meanwhile are not kept waiting.
    Where the source breaks off, what was in view is given out before its exception is raised.
    """
    builder = PassageBuilder(engine, rules, lanes, zones, on_stay, known)
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
