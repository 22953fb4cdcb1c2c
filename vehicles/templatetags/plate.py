"""The plate component: a registration as it looks on the vehicle, the same on every page.

{% load plate %}
{% plate passage.plate_number layout=passage.layout colour=passage.plate_color size="m" %}
{% plate_pair alert.plate_number alert.listed_plate characters %}
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recognition import plates
from recognition.formats import COUNTRY_MARKS, layout_of

register = template.Library()

DOUBT_BELOW = 0.7
"""A character read with less confidence than this is marked."""

COLOURS = {"white", "black", "orange", "yellow", "blue", "red", "green", "purple"}
SIZES = {"s", "m", "l", "xl"}
_INK = {"white": "black", "orange": "black", "yellow": "black"}
"""Text colour where the format does not say: dark on light plates, white on the others."""

COUNTRIES = {
    "BJ": gettext_lazy("Benin"),
    "NG": gettext_lazy("Nigeria"),
    "TG": gettext_lazy("Togo"),
    "NE": gettext_lazy("Niger"),
    "BF": gettext_lazy("Burkina Faso"),
    "GH": gettext_lazy("Ghana"),
    "CI": gettext_lazy("Côte d'Ivoire"),
}


@register.filter
def country_name(code: str) -> str:
    """The name of a country that `recognition.formats` knows; another code stays as it is."""
    return str(COUNTRIES.get(code, code))


@register.inclusion_tag("vehicles/plate.html")
def plate(
    text: str,
    *,
    layout: str = "",
    colour: str = "",
    confidences: Sequence[float] | None = None,
    size: str = "m",
) -> dict[str, Any]:
    """A plate in its own colours and lines; characters that the reader doubted are marked."""
    text = plates.normalise(text)
    shown = layout_of(text, colour=colour or None, layout=layout or None)
    doubts = _doubts(text, confidences or ())
    lines, start = [], 0
    for line in shown.lines:
        groups = []
        for group in line:
            marks = ["doubt" if start + offset in doubts else "" for offset in range(len(group))]
            groups.append(_group(group, marks, shown.country))
            start += len(group)
        lines.append(_line(groups))
    background = shown_on(shown.bg or colour)
    return {
        # A plain space between the lines: a two-line plate wraps there, and copies as one line of text.
        "text": format_html_join(" ", "{}", ((line,) for line in lines)),
        "two_lines": len(lines) > 1,
        "background": background,
        "ink": shown.fg or _INK.get(background, "white"),
        "size": size if size in SIZES else "m",
        "label": _spoken(text, doubts),
    }


@register.inclusion_tag("vehicles/plate_pair.html")
def plate_pair(
    read: str,
    listed: str,
    characters: Sequence[Mapping[str, Any]],
    *,
    confidences: Sequence[float] | None = None,
    size: str = "l",
) -> dict[str, Any]:
    """The plate as read above the plate on the list, grouped alike; characters that differ are joined."""
    differing = {entry["position"] for entry in characters if entry["kind"] != "same"}
    shape = layout_of(listed)
    widths = [len(group) for line in shape.lines for group in line]
    doubts = _doubts(plates.normalise(read), confidences or ())
    background = shown_on(shape.bg)
    return {
        "read": _row(plates.normalise(read), widths, differing, doubts, shape.country),
        "read_label": _spoken(plates.normalise(read), doubts),
        "listed": _row(plates.normalise(listed), widths, differing, set(), shape.country),
        "listed_label": _spoken(plates.normalise(listed), set()),
        "background": background,
        "ink": shape.fg or _INK.get(background, "white"),
        "size": size if size in SIZES else "l",
    }


def shown_on(background: str) -> str:
    """A background colour that the stylesheet knows; white for others."""
    return background if background in COLOURS else "white"


def _row(text: str, widths: list[int], differing: set[Any], doubts: set[int], country: str) -> SafeString:
    """The text in groups of `widths`, one segment a character, so that two rows stand in one grid."""
    core = plates.core(text)
    offset = max(0, text.find(core))  # positions of the explanation leave out a country mark at the start
    marks = [
        "differs" if index - offset + 1 in differing else ("doubt" if index in doubts else "")
        for index in range(len(text))
    ]
    cuts = [0]
    for width in widths:
        cuts.append(min(len(text), cuts[-1] + width))
    cuts.append(len(text))
    return _line(
        [
            _group(text[start:end], marks[start:end], country, single=True)
            for start, end in pairwise(cuts)
            if start < end
        ]
    )


def _line(groups: list[SafeString]) -> SafeString:
    return format_html(
        '<span class="plate__line">{}</span>', format_html_join(" ", "{}", ((group,) for group in groups))
    )


def _group(text: str, marks: list[str], country: str, *, single: bool = False) -> SafeString:
    """Neighbours with the same mark share an element, unless each character needs its own (`single`)."""
    runs: list[tuple[str, str]] = []
    for character, mark in zip(text, marks, strict=True):
        if runs and runs[-1][0] == mark and not single:
            runs[-1] = (mark, runs[-1][1] + character)
        else:
            runs.append((mark or ("char" if single else ""), character))
    parts = [
        format_html('<span class="plate__{}">{}</span>', mark, part) if mark else part for mark, part in runs
    ]
    is_mark = bool(country) and text in COUNTRY_MARKS.get(country, ())
    css = f"plate__group plate__mark plate__mark--{country}" if is_mark else "plate__group"
    return format_html(
        '<span class="{}">{}</span>', css, format_html_join("", "{}", ((part,) for part in parts))
    )


def _doubts(text: str, confidences: Sequence[float]) -> set[int]:
    if len(confidences) != len(text):
        return set()
    return {index for index, value in enumerate(confidences) if value < DOUBT_BELOW}


def _spoken(text: str, doubts: set[int]) -> str:
    characters = " ".join(text)
    if not doubts:
        return _("Plate %(characters)s") % {"characters": characters}
    doubted = ", ".join(text[index] for index in sorted(doubts))
    return _("Plate %(characters)s, uncertain: %(doubted)s") % {"characters": characters, "doubted": doubted}
