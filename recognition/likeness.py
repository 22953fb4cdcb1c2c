"""How like a read is to a plate that is looked for: a score, and every key within a few edits.

Edits are counted on keys (`recognition.plates.fold`), so that a confusion costs none and the country mark
does not matter. Standard library only.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from recognition.characters import ALPHABET, fold_characters, normalise
from recognition.plates import CharComparison, Kind, bare_span, compare

FOLDED_ALPHABET = "".join(sorted(set(fold_characters(ALPHABET))))
"""The characters that a key is made of."""

# Our judgement. A confusion is what readers do all day; another character, or one too many or too few, is
# not. At either end a character is lost or won more easily: the crop ends there, the plate's frame begins.
_PENALTY: dict[Kind, float] = {"same": 0.0, "confusable": 0.1, "different": 0.3, "missing": 0.3, "extra": 0.3}
_AT_AN_END = 2 / 3
_LEAST_SURE = 0.2


def score(read: str, wanted: str, confidences: Sequence[float] = ()) -> float:
    """From 1 (the same vehicle's plate) down to 0, rounded to three places.

    `confidences` are those of the read's characters (0..1), where known: a character that the reader doubted
    costs less than one it was sure of.
    """
    return score_of(compare(read, wanted), read, confidences)


def score_of(characters: Sequence[CharComparison], read: str, confidences: Sequence[float] = ()) -> float:
    """The score of a comparison that is there already."""
    text = normalise(read)
    at = bare_span(text)[0]
    sure = list(confidences) if len(confidences) == len(text) else []
    total = 1.0
    for character in characters:
        penalty = _PENALTY[character.kind]
        at_an_end = character.position in (1, len(characters))
        if at_an_end and character.kind in ("missing", "extra"):
            penalty *= _AT_AN_END
        if character.read:
            penalty *= max(_LEAST_SURE, sure[at]) if sure else 1.0
            at += 1
        total -= penalty
    return round(max(0.0, total), 3)


def within(key: str, edits: int) -> frozenset[str]:
    """Every text of folded characters within so many edits (0, 1 or 2) of `key`: it is one of them.

    An edit puts in, takes out or replaces one character. Some 350 for one edit of a usual plate, 55,000 for
    two.
    """
    if edits <= 0:
        return frozenset({key})
    if edits == 1:
        return _within_one(key)
    return frozenset(near for middle in _within_one(key) for near in _one_edit(middle))


@lru_cache(maxsize=256)
def _within_one(key: str) -> frozenset[str]:
    return frozenset(_one_edit(key))


def _one_edit(key: str) -> Iterator[str]:
    for place in range(len(key) + 1):
        before, after = key[:place], key[place:]
        rest = after[1:]
        if after:
            yield before + rest
        for character in FOLDED_ALPHABET:
            yield before + character + after
            if after:
                yield before + character + rest
