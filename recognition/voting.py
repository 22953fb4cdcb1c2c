"""One vehicle followed over frames: its reads, what they vote for, and the passage they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from recognition.boxes import cut
from recognition.formats import match_formats
from recognition.plates import core
from recognition.types import RGB, Box, Candidate, Frame, Passage, PlateRead

#: A plate of this height in pixels or more reads as well as it ever will.
_FULL_HEIGHT = 32.0
#: Variance of the Laplacian (grey levels squared) from which a crop counts as quite sharp.
_SHARP = 600.0
#: The plate must grow or shrink by this much over a track before it says where the vehicle is going.
_GROWTH = 1.08
#: Below this many reads, growth is within the jitter of the detector's boxes.
_GROWTH_READS = 4
_MARK_READS = 2
_KEPT = 5


@dataclass(frozen=True, slots=True)
class Vote:
    """What the reads of a track agree on.

    `share` is the winner's part of all votes and `best_confidence` the highest confidence of a read that
    agrees with it, both 0..1. `candidates` are all texts voted for, the winner first.
    """

    text: str
    share: float
    best_confidence: float
    candidates: tuple[Candidate, ...]


class Track:
    """The reads of one vehicle in order of time. Frames other than the best are not kept."""

    def __init__(self) -> None:
        """An empty track; everything else needs at least one read."""
        self.given_out = False
        self._reads: list[PlateRead] = []
        self._votes: dict[str, float] = {}
        self._best: tuple[float, PlateRead, Frame] | None = None
        self._first_seen: datetime | None = None
        self._last_seen: datetime | None = None
        self._processing_ms = 0.0

    def __len__(self) -> int:
        """The number of reads."""
        return len(self._reads)

    @property
    def last_box(self) -> Box:
        """Where the plate was last."""
        return self._reads[-1].box

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

    def add(self, read: PlateRead, frame: Frame, processing_ms: float) -> None:
        """Count a read: its candidates share a vote that weighs its confidence, sharpness and size."""
        weight = read.confidence * read_quality(frame.image, read.box)
        for candidate in read.candidates or (Candidate(read.text, 1.0),):
            self._votes[candidate.text] = self._votes.get(candidate.text, 0.0) + weight * candidate.likelihood
        if self._best is None or weight > self._best[0] or self._best_disagrees(read):
            self._best = (weight, read, frame)
        self._first_seen = self._first_seen or frame.captured_at
        self._last_seen = frame.captured_at
        self._reads.append(read)
        self._processing_ms += processing_ms

    def vote(self) -> Vote:
        """The present outcome. Texts with and without the country mark are one; the fuller spelling wins."""
        vehicles: dict[str, float] = {}
        for text, weight in self._votes.items():
            vehicles[core(text)] = vehicles.get(core(text), 0.0) + weight
        total = sum(vehicles.values()) or 1.0
        ranked = sorted(vehicles, key=lambda vehicle: -vehicles[vehicle])
        spelled = {vehicle: self._spelling(vehicle) for vehicle in ranked[:_KEPT]}
        candidates = tuple(Candidate(spelled[v], vehicles[v] / total) for v in ranked[:_KEPT])
        agreeing = [read.confidence for read in self._reads if core(read.text) == ranked[0]]
        return Vote(spelled[ranked[0]], candidates[0].likelihood, max(agreeing, default=0.0), candidates)

    def agreeing_in_a_row(self) -> int:
        """How many of the latest reads, without a break, say what the vote says."""
        winner, count = core(self.vote().text), 0
        for read in reversed(self._reads):
            if core(read.text) != winner:
                break
            count += 1
        return count

    def passage(self) -> Passage:
        """The vehicle as known by now. Raises ValueError on an empty track."""
        if self._best is None or self._first_seen is None:
            raise ValueError("The track has no read yet")
        _, best, frame = self._best
        vote = self.vote()
        read = self._voted_read(best, vote)
        return Passage(
            read=read,
            frame=frame,
            crop=cut(frame.image, best.box),
            captured_at=frame.captured_at,
            first_seen=self._first_seen,
            last_seen=self.last_seen,
            processing_ms=self._processing_ms,
            reads=len(self._reads),
            direction=self.direction,
            vehicle_type=_vehicle_type(read),
        )

    def _voted_read(self, best: PlateRead, vote: Vote) -> PlateRead:
        if len(self._reads) == 1:
            return best
        if best.text != vote.text:
            # The best picture was spelled otherwise: its characters' confidences belong to another text.
            same = next((read for read in reversed(self._reads) if read.text == vote.text), None)
            chars = same.char_confidences if same else ()
            countries = tuple(match_formats(vote.text, colour=best.plate_colour, layout=best.layout))
            best = replace(best, text=vote.text, char_confidences=chars, countries=countries)
        # Agreement over frames repairs the doubt of single reads, disagreement adds to it.
        return replace(best, confidence=vote.best_confidence * vote.share, candidates=vote.candidates)

    def _best_disagrees(self, read: PlateRead) -> bool:
        """Whether the kept picture shows a text that the vote has since given up, and this one the winner."""
        if self._best is None:
            return True
        winner = core(self.vote().text)
        return core(self._best[1].text) != winner and core(read.text) == winner

    def _spelling(self, vehicle: str) -> str:
        """The text to show: with its country mark if that was read twice, else the most voted."""
        texts = [text for text in self._votes if core(text) == vehicle]
        times_read = {text: sum(read.text == text for read in self._reads) for text in texts}
        # Marks are small print: they are often missed, hardly ever imagined.
        marked = [text for text in texts if text != vehicle and times_read[text] >= _MARK_READS]
        return max(marked or texts, key=lambda text: (times_read[text] > 0, self._votes[text]))

    @property
    def direction(self) -> str:
        """ "approaching" or "leaving" by the growth of the plate, "" while neither is clear."""
        if len(self._reads) < _GROWTH_READS:
            return ""
        third = max(2, len(self._reads) // 3)
        heights = [read.box[3] - read.box[1] for read in self._reads]
        growth = (sum(heights[-third:]) or 1.0) / (sum(heights[:third]) or 1.0)
        if growth > _GROWTH:
            return "approaching"
        return "leaving" if growth < 1 / _GROWTH else ""


def read_quality(image: RGB, box: Box) -> float:
    """How good a picture of the plate is, by sharpness and height: above 0, up to 1."""
    grey = cut(image, box).astype(np.float32).mean(axis=2)
    size = min(1.0, (box[3] - box[1]) / _FULL_HEIGHT)
    if min(grey.shape) < 3:
        return 0.05 * size
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    sharpness = min(1.0, float((around - 4 * grey[1:-1, 1:-1]).var()) / _SHARP)
    return max(0.05, sharpness) * max(0.05, size)


def _vehicle_type(read: PlateRead) -> str:
    """ "motorcycle" where layout and likeliest format say so. A one-line plate tells no type."""
    if read.layout == "two_line" and read.countries and "motorcycle" in read.countries[0].category:
        return "motorcycle"
    return ""
