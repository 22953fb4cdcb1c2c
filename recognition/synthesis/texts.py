"""Random plate texts: every format of `formats.json`, and the world's common shapes so as not to over-fit.

How often each comes is our judgement, not a statistic: half of Benin (where the cameras stand), a fifth of
its neighbours, the rest from elsewhere, so that a reader learns characters rather than formats.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np

from recognition.formats import COUNTRY_MARKS, PlateFormat, all_formats
from recognition.types import Layout

#: Weights of the three groups of kinds.
GROUP_WEIGHTS = {"benin": 0.5, "neighbours": 0.2, "general": 0.3}
#: Rare formats are drawn at least this often within their country, else a reader never sees them.
_LEAST_SHARE = 0.04
#: Chance that a format with an optional country mark shows it.
_MARK_SHOWN = 0.75

_TOKEN = re.compile(r"\[[^\]]+\]|\\d|[A-Z0-9]")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of plate: where from, texts it may carry, colours and layouts.

    `style` names how it is drawn (see `recognition.synthesis.faces`), `weight` how often it comes within its
    group; `looks` are pairs of background and ink.
    """

    group: str
    country: str
    category: str
    pattern: re.Pattern[str]
    layouts: tuple[Layout, ...]
    looks: tuple[tuple[str, str], ...]
    break_after: int
    style: str
    weight: float


@dataclass(frozen=True, slots=True)
class PlateText:
    """What one plate says and shows: `lines` are its groups by line, `mark` the country mark among them."""

    text: str
    lines: tuple[tuple[str, ...], ...]
    mark: str
    layout: Layout
    ground: str
    ink: str
    kind: Kind


_W, _Y, _K, _R, _B, _G = "white", "yellow", "black", "red", "blue", "green"
#: category, pattern, style, layouts (1, 2 or both), break after group, backgrounds/inks, weight
_GENERAL = (
    ("EU", "aa000aa", r"([A-Z]{2})(\d{3})([A-Z]{2})", "eu", "12", 1, ((_W, _K), (_Y, _K)), 1.0),
    ("EU", "town", r"([A-Z]{1,3})([A-Z]{1,2})(\d{1,4})", "eu", "12", 1, ((_W, _K), (_W, _G)), 1.2),
    ("EU", "town_digits", r"([A-Z]{2,3})([A-Z0-9]{2}\d{2,3})", "eu", "12", 1, ((_W, _K), (_W, _R)), 1.0),
    ("EU", "coat", r"([A-Z]{1,2})(\d{1,6}|\d{1,4}[A-Z]{1,3})", "eu", "12", 1,
     ((_W, _K), (_B, _W), (_K, _W)), 1.2),
    ("EU", "digits_first", r"(\d{4})([A-Z]{3})", "eu", "1", 1, ((_W, _K), (_R, _W)), 0.6),
    ("EU", "mixed", r"(\d[A-Z]\d)(\d{4})", "eu", "12", 1, ((_W, _K),), 0.6),
    ("EU", "pairs", r"([A-Z0-9]{2})(\d{2})([A-Z]{2})", "eu", "12", 1, ((_Y, _K), (_W, _K), (_B, _W)), 0.8),
    ("EU", "british", r"([A-Z]{2}\d{2})([A-Z]{3})", "eu", "12", 1, ((_W, _K), (_Y, _K), (_K, _W)), 0.8),
    ("US", "letters_first", r"([A-Z]{3})(\d{3,4})", "us", "1", 1, ((_W, _B), (_W, _K), (_Y, _K)), 1.0),
    ("US", "digit_first", r"(\d[A-Z]{3}\d{3})", "us", "1", 1, ((_W, _B), (_K, _Y), (_B, _Y)), 0.7),
    ("US", "digits", r"(\d{3})([A-Z]{3})", "us", "12", 1, ((_W, _G), (_W, _R), (_G, _W)), 0.6),
    ("US", "free", r"([A-Z0-9]{4,7})", "us", "1", 1, ((_W, _B), (_W, _K)), 0.6),
    ("BR", "grey", r"([A-Z]{3})(\d{4})", "br", "12", 1, (("grey", _K), (_R, _W), (_W, _K), (_G, _W)), 2.4),
    ("BR", "mercosur", r"([A-Z]{3})(\d[A-Z]\d{2})", "mercosur", "12", 1, ((_W, _K), (_W, _R)), 1.0),
    ("XX", "any", r"([A-Z0-9]{2,4})([A-Z0-9]{2,5})", "plain", "12", 1,
     ((_W, _K), (_Y, _K), (_K, _W), (_R, _W), (_G, _W), ("orange", _K), (_B, _W)), 2.0),
)  # fmt: skip
#: Where `formats.json` knows no colour.
_UNKNOWN_LOOKS = ((_W, _K), (_Y, _K), (_B, _W))
_STYLES = {"NG": "nigeria", "BJ": "benin", "TG": "plain", "GH": "plain", "NE": "plain", "BF": "plain",
           "CI": "plain"}  # fmt: skip


@cache
def all_kinds() -> tuple[Kind, ...]:
    """Every kind of plate that is drawn: those of `formats.json` first, then general ones."""
    general = tuple(
        Kind(
            "general", country, category, re.compile(pattern), _layouts(layouts), looks, after, style, weight
        )
        for country, category, pattern, style, layouts, after, looks, weight in _GENERAL
    )
    return (*(_kind_of(fmt) for fmt in all_formats()), *general)


def chosen_kinds(names: Collection[str] | None) -> tuple[Kind, ...]:
    """Kinds by group ("benin", "neighbours", "general"), country ("NG") or "country:category"; None: all.

    Raises ValueError for a name that is none of these.
    """
    if names is None:
        return all_kinds()
    for name in names:
        if not any(name in _names(kind) for kind in all_kinds()):
            raise ValueError(f"No kind of plate {name!r}: name a group, a country or country:category")
    return tuple(kind for kind in all_kinds() if _names(kind) & set(names))


def random_text(rng: np.random.Generator, kinds: tuple[Kind, ...], layout: Layout | None = None) -> PlateText:
    """A plate of one of the kinds, in that layout where one is asked for.

    Raises ValueError when none of the kinds has the layout.
    """
    fitting = [kind for kind in kinds if layout is None or layout in kind.layouts]
    if not fitting:
        raise ValueError(f"None of these kinds of plates has the layout {layout!r}")
    weights = np.array([_weight(kind, fitting) for kind in fitting])
    kind = fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]
    chosen = layout or kind.layouts[int(rng.integers(len(kind.layouts)))]
    ground, ink = kind.looks[min(int(rng.exponential(0.8)), len(kind.looks) - 1)]
    text = text_from(kind.pattern.pattern, rng)
    match = kind.pattern.fullmatch(text)
    groups = match.groups() if match else (text,)
    split = kind.break_after if chosen == "two_line" else 0
    lines = [tuple(group for group in part if group) for part in (groups[:split], groups[split:])]
    marks = {mark for mark in COUNTRY_MARKS.get(kind.country, ()) if mark} & {g for g in groups if g}
    shown = tuple(line for line in lines if line)
    if chosen == "two_line" and len(shown) == 1:
        shown = (shown[0][:1], shown[0][1:]) if len(shown[0]) > 1 else _halves(shown[0][0])
    return PlateText(text, shown, "".join(marks), chosen, ground, ink, kind)


def text_from(pattern: str, rng: np.random.Generator) -> str:
    """A text that the pattern fits: classes, digits, literals, alternatives, {n}, {n,m} and ? are known.

    Every alternative and every length is as likely as the others; an optional group shows in three of
    four. Raises ValueError for other syntax.
    """
    text, rest = _sequence(pattern, rng)
    if rest:
        raise ValueError(f"The pattern has syntax that is not known here: {rest!r}")
    return text


def _sequence(pattern: str, rng: np.random.Generator) -> tuple[str, str]:
    """Alternatives up to a closing bracket or the end; one of them, and what follows."""
    options, text = [], ""
    while pattern and pattern[0] != ")":
        if pattern[0] == "|":
            options.append(text)
            text, pattern = "", pattern[1:]
            continue
        part, pattern = _piece(pattern, rng)
        text += part
    options.append(text)
    return options[int(rng.integers(len(options)))], pattern


def _piece(pattern: str, rng: np.random.Generator) -> tuple[str, str]:
    if pattern[0] == "(":
        inner, rest = _sequence(pattern[1:], rng)
        rest = rest[1:]
        if rest.startswith("?"):
            return (inner if rng.random() < _MARK_SHOWN else ""), rest[1:]
        return inner, rest
    token = _TOKEN.match(pattern)
    if token is None:
        raise ValueError(f"The pattern has syntax that is not known here: {pattern!r}")
    rest = pattern[token.end() :]
    count = 1
    if times := re.match(r"\{(\d+)(?:,(\d+))?\}", rest):
        low, high = int(times[1]), int(times[2] or times[1])
        count, rest = int(rng.integers(low, high + 1)), rest[times.end() :]
    choices = _characters(token.group())
    return "".join(choices[int(rng.integers(len(choices)))] for _ in range(count)), rest


@cache
def _characters(piece: str) -> str:
    if piece == r"\d":
        return "0123456789"
    if not piece.startswith("["):
        return piece
    return re.sub(r"(\w)-(\w)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), piece[1:-1])


def _kind_of(fmt: PlateFormat) -> Kind:
    inks = fmt.texts or ("black",)
    looks = tuple((ground, ink) for ground in fmt.backgrounds for ink in inks if ground != ink)
    group = "benin" if fmt.country == "BJ" else "neighbours"
    layouts = _layouts("".join("1" if name == "one_line" else "2" for name in fmt.layouts))
    return Kind(group, fmt.country, fmt.category, fmt.pattern, layouts, looks or _UNKNOWN_LOOKS,
                fmt.break_after, _STYLES[fmt.country], max(fmt.share, _LEAST_SHARE))  # fmt: skip


def _layouts(digits: str) -> tuple[Layout, ...]:
    names: dict[str, Layout] = {"1": "one_line", "2": "two_line"}
    return tuple(names[digit] for digit in digits)


def _weight(kind: Kind, among: list[Kind]) -> float:
    total = sum(other.weight for other in among if other.group == kind.group)
    return GROUP_WEIGHTS[kind.group] * kind.weight / total


def _names(kind: Kind) -> set[str]:
    return {kind.group, kind.country, f"{kind.country}:{kind.category}"}


def _halves(text: str) -> tuple[tuple[str, ...], ...]:
    middle = len(text) // 2
    return (text[:middle],), (text[middle:],)
