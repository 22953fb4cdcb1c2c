"""Does a read meet a listed plate, how well, and why: pure functions, no database.

Exact: the same registration, with or without its country suffix. Near: each differing character is one
that readers confuse (recognition.plates.CONFUSABLE_CLASSES). The two are never mixed: a near hit asks
the officer to look at the photo first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from recognition import plates


@dataclass(frozen=True)
class Match:
    """A read that met a listed plate. `score` is 1.0 for an exact hit, lower with each doubtful character."""

    kind: str
    score: float
    characters: tuple[plates.CharComparison, ...]

    def explanation(self) -> list[dict[str, Any]]:
        """One entry a character, as stored in an alert: position (from 1), read, listed, kind."""
        return [asdict(character) for character in self.characters]


NEAR_PENALTY = 0.15
"""Taken from the score of a near hit for each confusable character that was read with full confidence."""


def match(read: str, listed: str, confidences: Sequence[float] = ()) -> Match | None:
    """Compare a normalised read with a listed plate; None when they are different vehicles.

    `confidences` are those of the read's characters (0..1), where known: a character that the reader doubted
    costs a near hit less than one it was sure of.
    """
    if not plates.confusable(read, listed):
        return None
    characters = tuple(plates.compare(read, listed))
    if plates.core(read) == plates.core(listed):
        return Match("exact", 1.0, characters)
    score = 1.0
    for character in characters:
        if character.kind == "same":
            continue
        index = character.position - 1
        sure = confidences[index] if index < len(confidences) else 1.0
        score -= NEAR_PENALTY * max(0.2, sure)
    return Match("near", max(0.0, score), characters)
