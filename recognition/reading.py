"""What a reader says about a line of text, and which plate the characters most likely spell.

Formats only re-rank what the reader considers possible; they never force a text. Standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod

from recognition.characters import alternatives
from recognition.formats import FormatMatch, match_formats
from recognition.plates import MAX_PLATE_LENGTH
from recognition.types import Candidate, Polygon

#: Share of a character's chance that its look-alikes get even where the reader is sure: on a plate without
#: serifs or slashed zeros the pixels of O and 0 can be the same.
LOOKALIKE_SHARE = 0.02
#: Least chance that a character was never there: flags, stickers and bolts get read as 1 or I.
_GHOST = 0.002
#: Texts followed from character to character while candidates are built.
_BEAM = 48
_KEPT = 5

# How plausible a text is before any pixel is seen (our judgement, see `recognition.formats`).
_FITS_BENIN = 1.0
_FITS_NEIGHBOUR = 0.4
_FITS_NOTHING = 0.1
# benin.md: one source says that Beninese series leave out I and O; O, I and Q are accepted, but rarer.
_RARE_LETTERS = frozenset("IOQ")
_RARE_LETTER = 0.3


@dataclass(frozen=True, slots=True)
class CharRead:
    """One character as read: chance of each possibility, at most 1 in all; the best is the read one."""

    chances: Mapping[str, float]

    @property
    def best(self) -> str:
        """The likeliest character."""
        return max(self.chances, key=lambda char: self.chances[char])

    @property
    def mass(self) -> float:
        """Chance that there is any plate character here at all, 0 to 1."""
        return min(1.0, sum(self.chances.values()))


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text: its characters from left to right, corners in pixels, the finder's score 0 to 1."""

    chars: tuple[CharRead, ...]
    polygon: Polygon
    score: float = 1.0

    @property
    def text(self) -> str:
        """The line as the reader saw it."""
        return "".join(char.best for char in self.chars)

    @property
    def confidence(self) -> float:
        """Mean chance of the characters as read, 0 to 1; 0 for an empty line."""
        if not self.chars:
            return 0.0
        return sum(char.chances[char.best] for char in self.chars) / len(self.chars)

    @property
    def span(self) -> tuple[float, float, float, float]:
        """Upright box around the polygon: x1, y1, x2, y2."""
        xs, ys = zip(*self.polygon, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def height(self) -> float:
        """Height of the upright box in pixels."""
        return self.span[3] - self.span[1]


@dataclass(frozen=True, slots=True)
class RankedText:
    """The outcome of `rank`; the fields mean what they mean in `recognition.types.PlateRead`."""

    text: str
    raw_text: str
    confidence: float
    char_confidences: tuple[float, ...]
    candidates: tuple[Candidate, ...]
    countries: tuple[FormatMatch, ...]


def rank(chars: Sequence[CharRead], *, colour: str = "", layout: str = "") -> RankedText:
    """Weigh what the characters may spell by what plates look like.

    The confidence of the text is its share among all candidates times the chance that every position holds
    a character at all. Only the first `MAX_PLATE_LENGTH` characters count. Empty input gives empty text.
    """
    chars = chars[:MAX_PLATE_LENGTH]
    raw = "".join(char.best for char in chars)
    if not raw:
        return RankedText("", "", 0.0, (), (), ())
    weighted = [(spelling, spelling.chance * plausibility(spelling.text)) for spelling in _spellings(chars)]
    total = sum(weight for _, weight in weighted)
    shares: dict[str, float] = {}
    for spelling, weight in weighted:
        shares[spelling.text] = shares.get(spelling.text, 0.0) + weight / total
    best = max(weighted, key=lambda item: item[1])[0]
    mass = [chars[i].mass for i in best.kept]
    agreement = [
        sum(share for text, share in shares.items() if len(text) == len(best.text) and text[i] == char)
        for i, char in enumerate(best.text)
    ]
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return RankedText(
        text=best.text,
        raw_text=raw,
        confidence=shares[best.text] * prod(mass),
        char_confidences=tuple(min(1.0, a * m) for a, m in zip(agreement, mass, strict=True)),
        candidates=tuple(Candidate(text, part) for text, part in islice(ranked, _KEPT)),
        countries=tuple(match_formats(best.text, colour=colour, layout=layout)),
    )


def plausibility(text: str) -> float:
    """How plausible a normalised text is as a plate seen in Benin, relative to others; above 0."""
    matches = match_formats(text)
    if not matches:
        return _FITS_NOTHING
    if all(match.country != "BJ" for match in matches):
        return _FITS_NEIGHBOUR
    letters = text.removesuffix("RB").removeprefix("OFFICIEL").removeprefix("IP")
    return _FITS_BENIN * float(_RARE_LETTER ** sum(char in _RARE_LETTERS for char in letters))


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A text under construction: its chance, and which of the characters read it keeps."""

    text: str = ""
    chance: float = 1.0
    kept: tuple[int, ...] = ()


def _spellings(chars: Sequence[CharRead]) -> list[_Spelling]:
    beam = [_Spelling()]
    for index, char in enumerate(chars):
        options = _options(char)
        longer = [
            _Spelling(s.text + c, s.chance * part, (*s.kept, index))
            for s in beam
            for c, part in options.items()
        ]
        absent = max(_GHOST, 1 - char.mass)
        longer += [_Spelling(s.text, s.chance * absent, s.kept) for s in beam]
        beam = sorted(longer, key=lambda spelling: -spelling.chance)[:_BEAM]
    return [spelling for spelling in beam if spelling.text]


def _options(char: CharRead) -> dict[str, float]:
    options = dict(char.chances)
    for name in alternatives(char.best):
        options[name] = max(options.get(name, 0.0), LOOKALIKE_SHARE * options[char.best])
    return options
