"""What a reader says about a line of text, and which plate the characters most likely spell.

Formats only re-rank what the reader considers possible; they never force a text. Standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile
from math import prod

from recognition.characters import alternatives, without_twins
from recognition.formats import FormatMatch, PlateFormat, all_formats, match_formats
from recognition.plates import MAX_PLATE_LENGTH
from recognition.shapes import commonness
from recognition.types import Candidate, Polygon

#: Share of a character's chance that its look-alikes get even where the reader is sure: on a plate without
#: serifs or slashed zeros the pixels of O and 0 can be the same.
LOOKALIKE_SHARE = 0.02
#: Least chance that a character was never there: flags, stickers and bolts get read as 1 or I.
_GHOST = 0.002
#: Texts followed from character to character while candidates are built.
_BEAM = 48
_KEPT = 5

# How plausible a text is before any pixel is seen (our judgement, see `recognition.formats`). A text of no
# known format is weighed by how common its shape is in the world: travellers' plates must not be bent into
# Beninese ones.
_FITS_BENIN = 1.0
_FITS_NEIGHBOUR = 0.4
_FITS_ABROAD = 0.4
#: The power of the shape's share: chosen on the labelled plates held out (see `recognition.shapes`).
_SHAPE_COUNTS = 0.4
#: A reader that does not name a text at all still leaves it this chance when another reader is asked.
_UNNAMED = 0.003
#: A reader that finds lines first misses a part of the plate this often, and sees so many characters or more.
_PART_MISSED, _LEAST_PART = 0.2, 3
#: A general reader cannot know whether a plate's ring is O or 0, and its stroke I or 1: where it names the
#: one, it holds the other possible with this share.
_TWIN_SEEN = 0.15
#: Colours and layouts are measured on dirty plates at dusk: a format that speaks against them loses weight,
#: but is never ruled out.
_CONTRADICTED = 0.25
#: A layout that a format knows, but not the one that most of its plates have: cars with square plates.
_RARER_LAYOUT = 0.4
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


@dataclass(frozen=True, slots=True)
class Spelling:
    """One text that a reader holds possible, and how likely.

    `presence` has, for each character of the text, the chance that the reader's alternatives cover what
    stands there at all.
    """

    text: str
    chance: float
    presence: tuple[float, ...] = ()


def rank(chars: Sequence[CharRead], *, colour: str = "", layout: str = "") -> RankedText:
    """Weigh what the characters may spell by what plates look like (see `rank_spellings`).

    Only the first `MAX_PLATE_LENGTH` characters count. Empty input gives empty text.
    """
    chars = chars[:MAX_PLATE_LENGTH]
    raw = "".join(char.best for char in chars)
    return rank_spellings(spellings_of(chars) if raw else [], raw, colour=colour, layout=layout)


def rank_spellings(
    spellings: Sequence[Spelling], raw: str, *, colour: str = "", layout: str = ""
) -> RankedText:
    """Weigh the texts that a reader holds possible by what plates look like.

    The confidence of the text is its share among all candidates times the chance that the candidates cover
    every character at all (`Spelling.presence`). No spelling gives empty text.
    """
    if not spellings:
        return RankedText("", raw, 0.0, (), (), ())
    weights = [one.chance * plausibility(one.text, colour=colour, layout=layout) for one in spellings]
    total = sum(weights)
    shares: dict[str, float] = {}
    for spelling, weight in zip(spellings, weights, strict=True):
        shares[spelling.text] = shares.get(spelling.text, 0.0) + weight / total
    best = max(zip(weights, spellings, strict=True), key=lambda pair: pair[0])[1]
    presence = best.presence or (1.0,) * len(best.text)
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return RankedText(
        text=best.text,
        raw_text=raw,
        confidence=min(1.0, shares[best.text] * prod(presence)),
        char_confidences=tuple(
            min(1.0, share * there)
            for share, there in zip(agreement(best.text, shares), presence, strict=True)
        ),
        candidates=tuple(Candidate(text, part) for text, part in islice(ranked, _KEPT)),
        countries=tuple(match_formats(best.text, colour=colour, layout=layout)),
    )


def together(first: Sequence[Spelling], second: Sequence[Spelling]) -> list[Spelling]:
    """What two readers that err differently hold possible together, the best first: their chances multiplied.

    A text that only one names keeps a small chance. The second reader finds lines before it reads and may
    miss one, or a small country mark: a text of which it names the beginning or the end is not ruled out by
    that. A reader that names nothing has no say.
    """
    if not first or not second:
        return [*first, *second]
    ours, theirs = _by_text(first), _by_text(second)
    twins: dict[str, float] = {}
    for text, chance in theirs.items():
        twins[without_twins(text)] = twins.get(without_twins(text), 0.0) + chance
    products = {
        text: (ours.get(text, 0.0) + _UNNAMED) * (_seen_by_lines(text, theirs, twins) + _UNNAMED)
        for text in {**ours, **theirs}
    }
    # What neither names is possible too.
    total = sum(products.values()) + _UNNAMED**2
    best = sorted(products.items(), key=lambda item: -item[1])[:_BEAM]
    return [Spelling(text, product / total) for text, product in best]


def _seen_by_lines(text: str, chances: Mapping[str, float], twins: Mapping[str, float]) -> float:
    parts = (
        chance
        for part, chance in chances.items()
        if _LEAST_PART <= len(part) < len(text) and (text.startswith(part) or text.endswith(part))
    )
    twin = _TWIN_SEEN * twins.get(without_twins(text), 0.0)
    return max(chances.get(text, 0.0), twin) + _PART_MISSED * sum(parts)


def _by_text(spellings: Sequence[Spelling]) -> dict[str, float]:
    chances: dict[str, float] = {}
    for one in spellings:
        chances[one.text] = chances.get(one.text, 0.0) + one.chance
    return chances


@lru_cache(maxsize=8192)
def plausibility(text: str, *, colour: str = "", layout: str = "") -> float:
    """How plausible a normalised text is as a plate seen in Benin, relative to others; above 0.

    A format that contradicts the measured colour or layout makes its texts less plausible, never impossible.
    """
    fits = (
        _fit(fmt, text, colour, layout) for fmt in all_formats() if fmt.pattern.fullmatch(text) is not None
    )
    abroad: float = _FITS_ABROAD * commonness(text) ** _SHAPE_COUNTS
    return max(abroad, max(fits, default=0.0))


def _fit(fmt: PlateFormat, text: str, colour: str, layout: str) -> float:
    weight = _FITS_NEIGHBOUR
    if fmt.country == "BJ":
        letters = text.removesuffix("RB").removeprefix("OFFICIEL").removeprefix("IP")
        weight = _FITS_BENIN * float(_RARE_LETTER ** sum(char in _RARE_LETTERS for char in letters))
    if colour and fmt.backgrounds and colour not in fmt.backgrounds:
        weight *= _CONTRADICTED
    if layout and layout not in fmt.layouts:
        weight *= _CONTRADICTED
    elif layout and layout != fmt.layouts[0]:
        weight *= _RARER_LAYOUT
    return weight


def agreement(best: str, shares: Mapping[str, float]) -> list[float]:
    """For each character of `best`, the share of the texts that have it in its place.

    A text of another length agrees up to the first difference from the left, and from the right.
    """
    agreed = [0.0] * len(best)
    for text, share in shares.items():
        if len(text) == len(best):
            places = [i for i, char in enumerate(best) if text[i] == char]
        else:
            head, tail = _alike(best, text), _alike(best[::-1], text[::-1])
            places = [i for i in range(len(best)) if i < head or i >= len(best) - tail]
        for place in places:
            agreed[place] += share
    return agreed


def _alike(first: str, second: str) -> int:
    """How many characters two texts share from the start."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A text under construction: its chance, and which of the characters read it keeps."""

    text: str = ""
    chance: float = 1.0
    kept: tuple[int, ...] = ()


def spellings_of(chars: Sequence[CharRead]) -> list[Spelling]:
    """The texts that the characters may spell, best first, with look-alikes and characters that are none."""
    beam = [_Draft()]
    for index, char in enumerate(chars):
        options = _options(char)
        longer = [
            _Draft(s.text + c, s.chance * part, (*s.kept, index)) for s in beam for c, part in options.items()
        ]
        absent = max(_GHOST, 1 - char.mass)
        longer += [_Draft(s.text, s.chance * absent, s.kept) for s in beam]
        beam = sorted(longer, key=lambda draft: -draft.chance)[:_BEAM]
    mass = [char.mass for char in chars]
    return [Spelling(one.text, one.chance, tuple(mass[i] for i in one.kept)) for one in beam if one.text]


def _options(char: CharRead) -> dict[str, float]:
    options = dict(char.chances)
    for name in alternatives(char.best):
        options[name] = max(options.get(name, 0.0), LOOKALIKE_SHARE * options[char.best])
    return options
