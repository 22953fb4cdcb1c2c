"""What the reads of one vehicle vote for: every read counts by its confidence, sharpness and size."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from recognition.boxes import cut
from recognition.plates import core
from recognition.types import RGB, Box, Candidate, PlateRead

#: A plate of this height in pixels or more reads as well as it ever will.
_FULL_HEIGHT = 32.0
#: Variance of the Laplacian (grey levels squared) from which a crop counts as quite sharp.
_SHARP = 600.0
#: A plate closer than this to the picture's edge, in pixels, may be cut; such a read counts so much.
_EDGE, _CUT = 2.0, 0.3
_MARK_READS = 2
_KEPT = 5
#: Vehicles (cores of texts) voted for that are remembered, at most; of more, the least voted are forgotten.
_MOST_VEHICLES, _FEWEST_VEHICLES = 48, 24
_LATEST = 32
#: A second look at the same plate counts as this much of an independent one, and all further looks together
#: as at most `_MOST_LOOKS`: dirt, light and the reader's habits are the same in every frame.
_INDEPENDENT, _MOST_LOOKS = 0.25, 1.0
#: With a winner that has less of the votes than this, a text may be put together from single characters, each
#: of which needs as much of its place.
_SPLIT = 0.5
_SPLIT_READS = 3


@dataclass(frozen=True, slots=True)
class Vote:
    """What the reads of a track agree on.

    `share` is the winner's part of all votes and `best_confidence` the highest confidence of a read that
    agrees with it; `confidence` is the chance that the winner is right (see `Ballot`). All are 0..1.
    `candidates` are the texts voted for with their chances, the winner first.
    """

    text: str
    share: float
    best_confidence: float
    confidence: float
    candidates: tuple[Candidate, ...]


@dataclass(slots=True)
class _Tally:
    """The votes for one text, and the reads that had it first: how many, and the surest of them."""

    votes: float = 0.0
    times: int = 0
    confidence: float = 0.0
    chars: tuple[float, ...] = ()


class Ballot:
    """Adds up reads in bounded memory and time, however long a vehicle stands in view.

    A read of weight w gives its text w times its confidence, and its other candidates as much less as they
    are less likely. P(t), the votes for t over all weights, is what one average read makes of t; what is left
    of 1 is for texts that nobody named. Reads that agree are worth more than one, but not as much as
    independent ones: with n the effective number of reads, (sum w)^2 / sum w^2, and a the weight of those
    that read the winner, every read that disagrees takes back one that agrees, and

        looks = 1 + min(1, (n * (2a - 1) - 1) / 4),   confidence = P(t)^looks / sum of all P^looks.

    So one read keeps its confidence; three agreeing ones of 0.8 make 0.89, ten make 0.94; four of 0.9 against
    one make 0.85; and a reader that wavers between O and Q in every frame stays in doubt.
    Where no text has half of the votes, characters are voted for one by one among reads of one length.
    """

    def __init__(self) -> None:
        """An empty ballot."""
        #: Vehicle (core of its plate) -> spelling -> votes.
        self._vehicles: dict[str, dict[str, _Tally]] = {}
        #: Length of the core -> for each place the votes of its characters.
        self._places: dict[int, list[dict[str, float]]] = {}
        self._lengths: dict[int, float] = {}
        self._latest: deque[str] = deque(maxlen=_LATEST)
        self._weight = self._squares = 0.0
        self._agreeing: dict[str, float] = {}
        self._count = 0
        self._vote: Vote | None = None

    def add(self, read: PlateRead, weight: float) -> None:
        """Count a read with a weight above 0."""
        self._vote = None
        self._count += 1
        self._weight += weight
        self._squares += weight**2
        vehicle = core(read.text)
        self._latest.append(vehicle)
        self._agreeing[vehicle] = self._agreeing.get(vehicle, 0.0) + weight
        for candidate in _chances(read):
            self._tally(candidate.text).votes += weight * candidate.likelihood
        tally = self._tally(read.text)
        tally.times += 1
        if read.confidence >= tally.confidence:
            tally.confidence, tally.chars = read.confidence, read.char_confidences
        self._add_characters(read, vehicle, weight)
        if len(self._vehicles) > _MOST_VEHICLES:
            self._forget_the_least()

    def vote(self) -> Vote:
        """The present outcome. Texts with and without the country mark are one; the fuller spelling wins.

        Raises ValueError on an empty ballot.
        """
        if not self._count:
            raise ValueError("Nobody has voted yet")
        if self._vote is None:
            self._vote = self._counted()
        return self._vote

    def agreeing_in_a_row(self) -> int:
        """How many of the latest reads, without a break, say what the vote says (32 at most)."""
        last, count = self.latest
        return count if last == core(self.vote().text) else 0

    @property
    def latest(self) -> tuple[str, int]:
        """The vehicle (core of the plate) read last, and how often in a row by now (32 at most)."""
        last, count = self._latest[-1], 0
        for vehicle in reversed(self._latest):
            if vehicle != last:
                break
            count += 1
        return last, count

    def times(self, vehicle: str) -> int:
        """How many reads had that vehicle (core of a plate) first."""
        return sum(tally.times for tally in self._vehicles.get(vehicle, {}).values())

    def characters(self, text: str) -> tuple[float, ...]:
        """Confidence of each character of a text as its surest read had it; empty if it was never read."""
        tally = self._vehicles.get(core(text), {}).get(text)
        return tally.chars if tally else ()

    def _counted(self) -> Vote:
        chances = {
            vehicle: sum(tally.votes for tally in spellings.values()) / (self._weight or 1.0)
            for vehicle, spellings in self._vehicles.items()
        }
        total = sum(chances.values()) or 1.0
        ranked = sorted(chances, key=lambda vehicle: -chances[vehicle])
        if self._count >= _SPLIT_READS and chances[ranked[0]] < _SPLIT * total:
            ranked = self._with_composed(ranked, chances)
        winner = ranked[0]
        looks = self._looks(winner)
        powers = {vehicle: chance**looks for vehicle, chance in chances.items()}
        others = max(0.0, 1 - sum(chances.values())) ** looks
        whole = sum(powers.values()) + others or 1.0
        candidates = tuple(Candidate(self._spelling(v), powers[v] / whole) for v in ranked[:_KEPT])
        sure = max((tally.confidence for tally in self._vehicles.get(winner, {}).values()), default=0.0)
        share = min(1.0, chances[winner] / total)
        return Vote(candidates[0].text, share, sure, candidates[0].likelihood, candidates)

    def _looks(self, winner: str) -> float:
        """The exponent of `confidence`: how many independent looks the agreeing reads are worth."""
        effective = self._weight**2 / (self._squares or 1.0)
        agreeing = self._agreeing.get(winner, 0.0) / (self._weight or 1.0)
        return 1 + min(_MOST_LOOKS, _INDEPENDENT * max(0.0, effective * (2 * agreeing - 1) - 1))

    def _with_composed(self, ranked: list[str], chances: dict[str, float]) -> list[str]:
        """The ranking, led by a text put together from the most voted characters if that is likelier."""
        length = max(self._lengths, key=lambda size: self._lengths[size])
        text, chance = "", 1.0
        for place in self._places[length]:
            char = max(place, key=lambda name: place[name])
            part = place[char] / (self._lengths[length] or 1.0)
            if part < _SPLIT:
                return ranked
            text, chance = text + char, chance * part
        chance *= self._lengths[length] / (self._weight or 1.0)
        if chance <= chances[ranked[0]]:
            return ranked
        chances[text] = chance
        return [text, *(vehicle for vehicle in ranked if vehicle != text)]

    def _add_characters(self, read: PlateRead, vehicle: str, weight: float) -> None:
        start = max(0, read.text.find(vehicle))
        sure = read.char_confidences[start : start + len(vehicle)]
        if len(sure) != len(vehicle):
            sure = (read.confidence,) * len(vehicle)
        places = self._places.setdefault(len(vehicle), [{} for _ in vehicle])
        self._lengths[len(vehicle)] = self._lengths.get(len(vehicle), 0.0) + weight
        for place, char, confidence in zip(places, vehicle, sure, strict=True):
            place[char] = place.get(char, 0.0) + weight * confidence

    def _tally(self, text: str) -> _Tally:
        return self._vehicles.setdefault(core(text), {}).setdefault(text, _Tally())

    def _forget_the_least(self) -> None:
        votes = {vehicle: sum(t.votes for t in texts.values()) for vehicle, texts in self._vehicles.items()}
        kept = sorted(votes, key=lambda vehicle: -votes[vehicle])[:_FEWEST_VEHICLES]
        self._vehicles = {vehicle: self._vehicles[vehicle] for vehicle in kept}
        self._agreeing = {vehicle: self._agreeing.get(vehicle, 0.0) for vehicle in kept}

    def _spelling(self, vehicle: str) -> str:
        """The text to show: with its country mark if that was read twice, else the most voted."""
        spellings = self._vehicles.get(vehicle)
        if not spellings:
            return vehicle
        # Marks are small print: they are often missed, hardly ever imagined.
        marked = [text for text, t in spellings.items() if text != vehicle and t.times >= _MARK_READS]
        return max(marked or spellings, key=lambda text: (spellings[text].times > 0, spellings[text].votes))


def read_weight(image: RGB, read: PlateRead) -> float:
    """What a read counts: its confidence times the picture's quality, less for a plate at the edge."""
    return read.confidence * read_quality(image, read.box) * (_CUT if touches_edge(image, read.box) else 1.0)


def touches_edge(image: RGB, box: Box) -> bool:
    """Whether the box reaches the edge of the picture, so that part of the thing may be missing."""
    height, width = image.shape[:2]
    return box[0] < _EDGE or box[1] < _EDGE or box[2] > width - _EDGE or box[3] > height - _EDGE


def read_quality(image: RGB, box: Box) -> float:
    """How good a picture of the plate is, by sharpness and height: above 0, up to 1."""
    grey = cut(image, box).astype(np.float32).mean(axis=2)
    size = min(1.0, (box[3] - box[1]) / _FULL_HEIGHT)
    if min(grey.shape) < 3:
        return 0.05 * max(0.05, size)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    sharpness = min(1.0, float((around - 4 * grey[1:-1, 1:-1]).var()) / _SHARP)
    return max(0.05, sharpness) * max(0.05, size)


def _chances(read: PlateRead) -> list[Candidate]:
    """The texts of a read with their chances: its own text's is its confidence, the others' in proportion."""
    own = next((c.likelihood for c in read.candidates if c.text == read.text), 0.0)
    if own <= 0:
        return [Candidate(read.text, read.confidence)]
    scale = min(read.confidence / own, 1 / max(1e-9, sum(c.likelihood for c in read.candidates)))
    return [Candidate(c.text, c.likelihood * scale) for c in read.candidates]
