"""One vehicle followed over frames: its reads, what it looks like, and the passage it makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from recognition.bodywork import vehicle_colour
from recognition.boxes import cut
from recognition.following import Motion, differ
from recognition.formats import match_formats
from recognition.plates import core
from recognition.types import Box, Frame, Passage, PlateRead
from recognition.voting import Ballot, Vote, read_weight, touches_edge

#: A picture in which the vehicle is cut by the edge counts so much when the best one is chosen.
_CUT_VEHICLE = 0.8
#: Best pictures are kept for this many texts, in case another one wins in the end.
_PICTURES = 3
#: The body's colour is measured in this many pictures at most: the first few, and then whenever one is better
#: by this much than all before.
_MEASURED, _FIRST_MEASURED, _BETTER = 10, 3, 1.15
#: Kind, colour and lane must hold this share of their votes; a picture without colour votes against all.
_MAJORITY, _UNTOLD = 0.5, 0.3


class _Picture(NamedTuple):
    score: float
    read: PlateRead
    frame: Frame


class Track:
    """The reads of one vehicle in order of time, in bounded memory: a parked car may stay for days.

    `given_out` is set by whoever gives out its passage, and `captured_at` tells that passage's time then.
    """

    def __init__(self) -> None:
        """An empty track; everything else needs at least one read."""
        self.given_out = False
        self.passage_id: UUID = uuid4()
        self.captured_at: datetime | None = None
        #: Tracks with a read in the same frame as the first of this one's; forgotten at its third.
        self.company: tuple[Track, ...] = ()
        self.last_vehicle: Box | None = None
        self._ballot = Ballot()
        self._motion = Motion()
        self._count = 0
        self._last_box: Box | None = None
        self._first_seen: datetime | None = None
        self._last_seen: datetime | None = None
        self._processing_ms = 0.0
        self._pictures: dict[str, _Picture] = {}
        self._kinds: dict[str, float] = {}
        self._lanes: dict[int, float] = {}
        self._colours: dict[str, float] = {}
        self._plate_colours: dict[str, float] = {}
        self._measured, self._best_measured = 0, 0.0

    def __len__(self) -> int:
        """The number of reads."""
        return self._count

    @property
    def last_box(self) -> Box:
        """Where the plate was last. Raises ValueError on an empty track."""
        if self._last_box is None:
            raise ValueError("The track has no read yet")
        return self._last_box

    @property
    def last_seen(self) -> datetime:
        """Capture time of the last read. Raises ValueError on an empty track."""
        if self._last_seen is None:
            raise ValueError("The track has no read yet")
        return self._last_seen

    @property
    def age(self) -> float:
        """Seconds between the first and the last read."""
        first = self._first_seen or self.last_seen
        return (self.last_seen - first).total_seconds()

    @property
    def stands(self) -> bool:
        """Whether the plate has not moved lately."""
        return self._motion.stands

    @property
    def direction(self) -> str:
        """ "approaching", "leaving" or "" (see `recognition.following.Motion.direction`)."""
        return self._motion.direction

    @property
    def texts(self) -> tuple[str, ...]:
        """The three texts most voted for, the winner first."""
        return tuple(candidate.text for candidate in self.vote().candidates[:3])

    def expected(self, at: datetime) -> Box:
        """Where the plate should be at that time."""
        return self._motion.expected(at)

    def add(self, read: PlateRead, frame: Frame, processing_ms: float, lane: int = 0) -> None:
        """Count a read of a later frame than all before; `lane` is the vehicle's lane there, 0 if unknown."""
        weight = read_weight(frame.image, read)
        self._ballot.add(read, weight)
        self._motion.see(read.box, frame.captured_at)
        self._count += 1
        self._last_box = read.box
        self._first_seen = self._first_seen or frame.captured_at
        self._last_seen = frame.captured_at
        self._processing_ms += processing_ms
        self.last_vehicle = read.vehicle.box if read.vehicle else None
        if self._count > 2:
            self.company = ()
        if self.given_out:
            # Only its place and its text matter from now on.
            self._pictures.clear()
            return
        if lane:
            self._lanes[lane] = self._lanes.get(lane, 0.0) + weight
        told = 1.0 if read.plate_colour else _UNTOLD
        votes = self._plate_colours.get(read.plate_colour, 0.0) + told * weight
        self._plate_colours[read.plate_colour] = votes
        self._look_at_vehicle(read, frame, weight)
        self._keep_picture(read, frame, weight)

    def remain(self, at: datetime) -> None:
        """It stands where it was last seen, at that later time."""
        self._last_seen = at

    def vote(self) -> Vote:
        """The present outcome. Raises ValueError on an empty track."""
        return self._ballot.vote()

    def agreeing_in_a_row(self) -> int:
        """How many of the latest reads, without a break, say what the vote says."""
        return self._ballot.agreeing_in_a_row()

    def is_echo_of(self, other: Track) -> bool:
        """Whether these few reads are likely the other's plate, misread: nearly its text, near its place.

        Two plates read in one frame are two.
        """
        return (
            other is not self
            and len(other) > len(self)
            and other not in self.company
            and not differ(self.vote().text, other.vote().text)
            and other._motion.was_near(self.last_box, self.last_seen)
        )

    def is_usurped_by(self, read: PlateRead, reads: int) -> bool:
        """Whether another vehicle has slipped into this track: so many sure reads each, of two plates."""
        vehicle, (last, count) = core(read.text), self._ballot.latest
        winner = core(self.vote().text)
        return (
            vehicle == last != winner
            and count + 1 >= reads
            and self._ballot.times(winner) >= reads
            and differ(winner, vehicle)
        )

    def passage(self) -> Passage:
        """The vehicle as known by now. Raises ValueError if empty, or given out and seen since."""
        if not self._pictures or self._first_seen is None:
            raise ValueError("The track has no read yet")
        vote = self.vote()
        best = self._pictures.get(core(vote.text)) or max(self._pictures.values(), key=lambda p: p.score)
        read = self._voted_read(best.read, vote)
        return Passage(
            read=read,
            frame=best.frame,
            crop=cut(best.frame.image, best.read.box),
            captured_at=best.frame.captured_at,
            first_seen=self._first_seen,
            last_seen=self.last_seen,
            processing_ms=self._processing_ms,
            reads=self._count,
            direction=self.direction,
            vehicle_type=_majority(self._kinds) or _type_by_format(read),
            vehicle_colour=_majority(self._colours),
            lane=int(_majority({str(lane): votes for lane, votes in self._lanes.items()}) or 0),
            passage_id=self.passage_id,
        )

    def _voted_read(self, best: PlateRead, vote: Vote) -> PlateRead:
        if self._count == 1:
            return best
        best = replace(best, plate_colour=_majority(self._plate_colours))
        if best.text != vote.text:
            # The best picture was spelled otherwise: its characters' confidences belong to another text.
            chars = self._ballot.characters(vote.text)
            countries = tuple(match_formats(vote.text, colour=best.plate_colour, layout=best.layout))
            best = replace(best, text=vote.text, char_confidences=chars, countries=countries)
        return replace(best, confidence=vote.confidence, candidates=vote.candidates)

    def _keep_picture(self, read: PlateRead, frame: Frame, weight: float) -> None:
        """Keep the frame if it is the best of its text so far, and that text one of the best."""
        cut_off = read.vehicle is not None and touches_edge(frame.image, read.vehicle.box)
        score = weight * (_CUT_VEHICLE if cut_off else 1.0)
        text = core(read.text)
        kept = self._pictures.get(text)
        if kept is None or score > kept.score:
            self._pictures[text] = _Picture(score, read, frame)
        if len(self._pictures) > _PICTURES:
            winner = core(self.vote().text)
            others = (name for name in self._pictures if name != winner)
            del self._pictures[min(others, key=lambda name: self._pictures[name].score)]

    def _look_at_vehicle(self, read: PlateRead, frame: Frame, weight: float) -> None:
        vehicle = read.vehicle
        if vehicle is None or vehicle.kind == "person":
            return
        # Bicycles bear no plates: one that does is a small motorcycle.
        kind = "motorcycle" if vehicle.kind == "bicycle" else vehicle.kind
        self._kinds[kind] = self._kinds.get(kind, 0.0) + vehicle.confidence * max(weight, 0.01)
        better = self._measured < _FIRST_MEASURED or weight > _BETTER * self._best_measured
        if not better or self._measured >= _MEASURED:
            return
        self._measured += 1
        self._best_measured = max(weight, self._best_measured)
        paint = vehicle_colour(frame.image, vehicle, read.box)
        votes = (paint.clearness if paint.name else _UNTOLD) * weight
        self._colours[paint.name] = self._colours.get(paint.name, 0.0) + votes


def _majority(votes: dict[str, float]) -> str:
    """The name with more than half of all votes; "" if there is none."""
    best = max(votes, key=lambda name: votes[name], default="")
    return best if best and votes[best] > _MAJORITY * sum(votes.values()) else ""


def _type_by_format(read: PlateRead) -> str:
    """ "motorcycle" where layout and likeliest format say so. A one-line plate tells no type."""
    if read.layout == "two_line" and read.countries and "motorcycle" in read.countries[0].category:
        return "motorcycle"
    return ""
