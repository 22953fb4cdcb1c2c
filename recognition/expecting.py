"""Plates that a camera expects: where a read is in doubt, the formats of its countries are preferred."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from recognition.engines.registry import Engine
from recognition.formats import FormatMatch, is_format_of, match_formats
from recognition.reading import agreement
from recognition.types import RGB, Candidate, PlateRead

_EXPECTED = 3.0
"""How many times likelier a text is that fits a format of an expected country (our judgement)."""


class ExpectingEngine:
    """Reads as another engine does (see `recognition.engines.Engine`), with countries to expect."""

    def __init__(self, engine: Engine, countries: Collection[str]) -> None:
        """`countries`: ISO 3166 codes, as formats have them."""
        self._engine = engine
        self._countries = frozenset(countries)
        self.name = engine.name
        self.version = engine.version

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """The plates of a picture, best first. See `Engine.find`."""
        reads = [expecting(read, self._countries) for read in self._engine.find(image, thorough=thorough)]
        return sorted(reads, key=lambda read: -read.confidence)

    def warm_up(self) -> None:
        """As the engine does."""
        self._engine.warm_up()


def expecting(read: PlateRead, countries: Collection[str]) -> PlateRead:
    """The read with its candidates weighed anew; none is forced, and the raw text stays.

    What one candidate gains the others lose: the chance that none of them is right stays as it was.
    """
    before = {one.text: one.likelihood for one in read.candidates}
    weights = {text: chance * _weight(text, countries) for text, chance in before.items()}
    total = sum(weights.values())
    if not total or not before.get(read.text):
        return read
    scale = sum(before.values()) / total
    after = {text: weight * scale for text, weight in weights.items()}
    ranked = sorted(after.items(), key=lambda item: -item[1])
    best, chance = ranked[0]
    gain = chance / before[read.text]
    chars = read.char_confidences
    matches = match_formats(best, colour=read.plate_colour, layout=read.layout)
    return replace(
        read,
        text=best,
        confidence=min(1.0, read.confidence * gain),
        recognition_confidence=min(1.0, read.recognition_confidence * gain),
        char_confidences=chars if best == read.text else tuple(agreement(best, after)),
        candidates=tuple(Candidate(text, share) for text, share in ranked),
        countries=_expected_first(matches, countries),
    )


def _weight(text: str, countries: Collection[str]) -> float:
    return _EXPECTED if any(is_format_of(country, text) for country in countries) else 1.0


def _expected_first(matches: list[FormatMatch], countries: Collection[str]) -> tuple[FormatMatch, ...]:
    weights = [match.likelihood * (_EXPECTED if match.country in countries else 1.0) for match in matches]
    total = sum(weights)
    weighed = [replace(m, likelihood=w / total) for m, w in zip(matches, weights, strict=True)]
    return tuple(sorted(weighed, key=lambda match: -match.likelihood))
