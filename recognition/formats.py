"""Plate formats of Benin and its neighbours: which ones a text fits, how likely each is, how it is shown.

The facts live in `formats.json`, each with its source and the confidence of that source. A text alone never
decides a country: `2A9402` is a motorcycle of Benin and a car of Niger. The country mark, the background
colour and the layout shift the weights, and every fitting format stays in the answer.

Standard library only.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from recognition.characters import CONFUSABLE_CLASSES, fold_characters, normalise

#: Country mark printed on plates: (at the start, at the end). Read or not, the vehicle is the same.
COUNTRY_MARKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"BJ": ("", "RB"), "NE": ("", "RN"), "BF": ("", "BF"), "TG": ("TG", "")}
)

# Our judgement, not a statistic: the cameras stand in Benin; Nigeria and Togo are the busiest borders and
# share the coast road, Niger and Burkina Faso reach the north, Ghana and Côte d'Ivoire come through Togo.
_COUNTRY_SHARE = {"BJ": 0.70, "NG": 0.12, "TG": 0.08, "NE": 0.04, "BF": 0.03, "GH": 0.02, "CI": 0.01}

# How many times likelier evidence is under a format that predicts it. Also our judgement: colour classes
# and layouts are measured on dirty plates at dusk, so nothing is ever ruled out.
_MARK_READ = 10.0
_COLOUR_CONTRADICTS = 0.05
_COLOUR_UNKNOWN_FOR_FORMAT = 0.4
_LAYOUT_CONTRADICTS = 0.05
_NO_COLOUR = frozenset({"", "unknown"})


@dataclass(frozen=True, slots=True)
class PlateFormat:
    """One kind of plate of one country, as `formats.json` states it.

    `pattern` fits the whole normalised text; its groups are the groups a reader of the plate sees.
    `backgrounds` and `texts` are colour names, most common first, () when not known. `layouts` are the
    layouts in use; a two-line plate breaks after group number `break_after`. `share` is our judgement of
    how common the kind is among plates of that shape in its country. `since`, `source` and `confidence`
    say what is known about the rule and from whom.
    """

    country: str
    category: str
    pattern: re.Pattern[str]
    backgrounds: tuple[str, ...]
    texts: tuple[str, ...]
    layouts: tuple[str, ...]
    break_after: int
    share: float
    example: str
    since: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class FormatMatch:
    """A format that a text fits: ISO 3166 country code, category, and likelihood among all that fit."""

    country: str
    category: str
    likelihood: float


@dataclass(frozen=True, slots=True)
class PlateDisplay:
    """How to draw a plate: lines of groups, colour names of background and text ("" when not known)."""

    lines: tuple[tuple[str, ...], ...]
    country: str
    category: str
    bg: str
    fg: str


@cache
def all_formats() -> tuple[PlateFormat, ...]:
    """Every known format, in the order of the data file (Benin first)."""
    rows = json.loads(files("recognition").joinpath("formats.json").read_text(encoding="utf-8"))
    return tuple(_format_from(row) for row in rows)


def match_formats(text: str, *, colour: str | None = None, layout: str | None = None) -> list[FormatMatch]:
    """The formats that the text fits, likeliest first; likelihoods add up to 1. [] when none fits.

    `colour` is the plate's background ("white", "orange", ...) and `layout` "one_line" or "two_line", as
    measured; None, "" and "unknown" mean not measured. Priors and weights are our documented judgement.
    """
    plate = normalise(text)
    weights = {
        (fmt.country, fmt.category): _weight(fmt, plate, colour or "", layout or "")
        for fmt in all_formats()
        if fmt.pattern.fullmatch(plate)
    }
    total = sum(weights.values())
    ranked = sorted(weights.items(), key=lambda item: -item[1])
    return [FormatMatch(country, category, weight / total) for (country, category), weight in ranked]


def country_likelihoods(matches: Sequence[FormatMatch]) -> list[tuple[str, float]]:
    """Likelihoods added up by country, likeliest first."""
    totals: dict[str, float] = {}
    for match in matches:
        totals[match.country] = totals.get(match.country, 0.0) + match.likelihood
    return sorted(totals.items(), key=lambda item: -item[1])


def layout_of(text: str, *, colour: str | None = None, layout: str | None = None) -> PlateDisplay:
    """How a plate is grouped and coloured, by its likeliest format.

    A text that fits no format is one group on one line, with country, category and colours "".
    """
    plate = normalise(text)
    matches = match_formats(plate, colour=colour, layout=layout)
    if not matches:
        return PlateDisplay(lines=((plate,),), country="", category="", bg="", fg="")
    fmt = find_format(matches[0].country, matches[0].category)
    background = colour if colour and colour in fmt.backgrounds else _first(fmt.backgrounds)
    return PlateDisplay(_lines(fmt, plate, layout), fmt.country, fmt.category, background, _first(fmt.texts))


def display(text: str) -> tuple[str, ...]:
    """The groups a person reads aloud, without line breaks: `BB6232RB` gives ("BB", "6232", "RB")."""
    return tuple(group for line in layout_of(text).lines for group in line)


def find_format(country: str, category: str) -> PlateFormat:
    """The format of that country and category; KeyError when there is none."""
    return _by_name()[country, category]


def is_format_of(country: str, plate: str) -> bool:
    """Whether the normalised text fits a format of the country exactly."""
    return _any_pattern(country).fullmatch(plate) is not None


def is_format_of_folded(country: str, folded: str) -> bool:
    """Whether some text that folds to `folded` (see `fold_characters`) fits a format of the country."""
    return _any_folded_pattern(country).fullmatch(folded) is not None


@cache
def _by_name() -> dict[tuple[str, str], PlateFormat]:
    return {(fmt.country, fmt.category): fmt for fmt in all_formats()}


@cache
def _any_pattern(country: str) -> re.Pattern[str]:
    """One expression for all formats of a country: asked of every passage."""
    return re.compile("|".join(f.pattern.pattern for f in all_formats() if f.country == country))


@cache
def _any_folded_pattern(country: str) -> re.Pattern[str]:
    return re.compile(
        "|".join(_fold_pattern(f.pattern.pattern) for f in all_formats() if f.country == country)
    )


def _fold_pattern(pattern: str) -> str:
    """The pattern over folded text: a letter may have become its digit, a literal is folded as text is."""
    letter_or_its_digit = "[A-Z" + "".join(sorted(CONFUSABLE_CLASSES)) + "]"
    token = re.compile(r"\[A-Z\]|\[[0-9]-[0-9]\]|\\d|\{[0-9,]+\}|[A-Z]+")

    def replace(found: re.Match[str]) -> str:
        part = found.group()
        if part == "[A-Z]":
            return letter_or_its_digit
        return fold_characters(part) if part.isalpha() else part

    return token.sub(replace, pattern)


def _format_from(row: dict[str, Any]) -> PlateFormat:
    lists = {name: tuple(row[name]) for name in ("backgrounds", "texts", "layouts")}
    return PlateFormat(**{**row, **lists, "pattern": re.compile(row["pattern"])})


def _weight(fmt: PlateFormat, plate: str, colour: str, layout: str) -> float:
    weight = _COUNTRY_SHARE[fmt.country] * fmt.share
    prefix, suffix = COUNTRY_MARKS.get(fmt.country, ("", ""))
    mark = prefix + suffix
    match = fmt.pattern.fullmatch(plate)
    if mark and match and mark in match.groups():
        weight *= _MARK_READ
    if colour not in _NO_COLOUR and colour not in fmt.backgrounds:
        weight *= _COLOUR_CONTRADICTS if fmt.backgrounds else _COLOUR_UNKNOWN_FOR_FORMAT
    if layout and layout not in fmt.layouts:
        weight *= _LAYOUT_CONTRADICTS
    return weight


def _lines(fmt: PlateFormat, plate: str, layout: str | None) -> tuple[tuple[str, ...], ...]:
    match = fmt.pattern.fullmatch(plate)
    groups = match.groups() if match else (plate,)
    two_lines = (layout or fmt.layouts[0]) == "two_line"
    above = tuple(group for group in groups[: fmt.break_after] if group) if two_lines else ()
    below = tuple(group for group in groups[len(groups[: fmt.break_after]) if two_lines else 0 :] if group)
    return tuple(line for line in (above, below) if line)


def _first(names: tuple[str, ...]) -> str:
    return names[0] if names else ""
