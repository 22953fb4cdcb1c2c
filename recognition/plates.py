"""When two texts are the same plate, when a reader may have mixed them up, and how to explain it.

Three degrees of sameness, from strict to loose:

* `normalise`: same characters, whatever the spacing.
* `core`: same vehicle, whether or not the country mark (RB, RN, BF, TG) was read.
* `fold`: same vehicle for a reader that mixes up 0/O/Q/D, 1/I/L, 2/Z, 5/S, 8/B and 6/G.

Standard library only.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from recognition.characters import CONFUSABLE_CLASSES, fold_characters, normalise
from recognition.formats import COUNTRY_MARKS, is_format_of, is_format_of_folded

__all__ = [
    "CONFUSABLE_CLASSES",
    "MAX_PLATE_LENGTH",
    "CharComparison",
    "Kind",
    "bare_span",
    "compare",
    "confusable",
    "core",
    "fold",
    "marked",
    "normalise",
]

#: Longest normalised plate accepted anywhere. The longest known format has 13 (OFFICIEL123RB).
MAX_PLATE_LENGTH = 16

Kind = Literal["same", "confusable", "different", "missing", "extra"]
"""What one character of a comparison is."""


@dataclass(frozen=True, slots=True)
class CharComparison:
    """One character of a read held against one character of a listed plate.

    `position` counts from 1 along the alignment. `read` is "" when the read lacks the character
    (kind "missing"), `listed` is "" when the read has one too many (kind "extra").
    """

    position: int
    read: str
    listed: str
    kind: Kind


def core(plate: str) -> str:
    """The plate without its country mark, so that a read with and one without it are the same vehicle.

    RB, RN and BF at the end and TG at the start are taken off only where the rest is a valid plate of that
    country: `1234RB` is a plate of Togo and stays whole. Idempotent; the input is normalised first.
    """
    text = normalise(plate)
    for country, (prefix, suffix) in COUNTRY_MARKS.items():
        if len(text) > len(prefix + suffix) and text.startswith(prefix) and text.endswith(suffix):
            rest = text[len(prefix) : len(text) - len(suffix)]
            if is_format_of(country, rest):
                return rest
    return text


def fold(plate: str) -> str:
    """The `core` with every confusable character replaced by its class (`CONFUSABLE_CLASSES`).

    A misread mark is recognised too: `BB6232R8` and `B86232RB` fold as `BB6232` does. The answer depends
    on the folded characters alone, so texts that differ by confusable characters always fold alike.
    """
    folded = fold_characters(normalise(plate))
    start, end = _folded_core_span(folded)
    return folded[start:end]


def confusable(first: str, second: str) -> bool:
    """Whether a reader could have read one plate as the other (equal plates included)."""
    return fold(first) == fold(second)


def compare(read: str, listed: str) -> list[CharComparison]:
    """Explain a match: the read held against the listed plate, character by character.

    Country marks are left out on both sides; where an error keeps the read's mark from being known as one,
    it is held against the listed plate's. The texts are aligned so that as few and as mild differences as
    possible remain (confusable is half as bad as different, missing or extra).
    """
    mine, forms = _bare(read), [_bare(listed)]
    if mine == normalise(read):
        forms += marked(listed)
    pairs = _align(mine, min(forms, key=lambda form: _costs(mine, form)[-1][-1]))
    return [
        CharComparison(position, mine, theirs, _kind(mine, theirs))
        for position, (mine, theirs) in enumerate(pairs, start=1)
    ]


def marked(plate: str) -> list[str]:
    """The plate as it is painted: with its mark, or with that of each country whose plate it may be."""
    text, bare = normalise(plate), _bare(plate)
    if bare != text:
        return [text]
    folded = fold_characters(bare)
    return [
        prefix + bare + suffix
        for country, (prefix, suffix) in COUNTRY_MARKS.items()
        if is_format_of_folded(country, folded)
    ]


def bare_span(text: str) -> tuple[int, int]:
    """Where a normalised text begins and ends without its country mark, a misread one included."""
    return _folded_core_span(fold_characters(text))


def _bare(plate: str) -> str:
    text = normalise(plate)
    start, end = bare_span(text)
    return text[start:end]


@lru_cache(maxsize=4096)
def _folded_core_span(folded: str) -> tuple[int, int]:
    for country, (prefix, suffix) in COUNTRY_MARKS.items():
        head, tail = fold_characters(prefix), fold_characters(suffix)
        if len(folded) > len(head + tail) and folded.startswith(head) and folded.endswith(tail):
            end = len(folded) - len(tail)
            if is_format_of_folded(country, folded[len(head) : end]):
                return len(head), end
    return 0, len(folded)


def _kind(mine: str, theirs: str) -> Kind:
    if mine == theirs:
        return "same"
    if not mine:
        return "missing"
    if not theirs:
        return "extra"
    return "confusable" if fold_characters(mine) == fold_characters(theirs) else "different"


_COST: dict[Kind, float] = {"same": 0.0, "confusable": 0.5, "different": 1.0, "missing": 1.0, "extra": 1.0}


def _align(read: str, listed: str) -> list[tuple[str, str]]:
    """Cheapest alignment of two texts (edit distance), as pairs of which one side may be ""."""
    costs = _costs(read, listed)
    pairs = []
    i, j = len(read), len(listed)
    while i or j:
        # Diagonal first: on equal cost a substitution reads better than a gap and an insertion.
        if i and j and costs[i][j] == costs[i - 1][j - 1] + _COST[_kind(read[i - 1], listed[j - 1])]:
            i, j = i - 1, j - 1
            pairs.append((read[i], listed[j]))
        elif i and costs[i][j] == costs[i - 1][j] + _COST["extra"]:
            i -= 1
            pairs.append((read[i], ""))
        else:
            j -= 1
            pairs.append(("", listed[j]))
    return pairs[::-1]


def _costs(read: str, listed: str) -> list[list[float]]:
    """What beginnings of two texts differ by: `costs[i][j]` for the first i and the first j characters."""
    mine, theirs = fold_characters(read), fold_characters(listed)
    gap = _COST["missing"]
    costs = [[gap * j for j in range(len(listed) + 1)]]
    for i, character in enumerate(read):
        above = costs[-1]
        row = [above[0] + gap]
        for j, other in enumerate(listed):
            if character == other:
                cost = 0.0
            else:
                cost = _COST["confusable"] if mine[i] == theirs[j] else _COST["different"]
            row.append(min(above[j] + cost, above[j + 1] + gap, row[j] + gap))
        costs.append(row)
    return costs
