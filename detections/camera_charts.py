"""Charts, drawn here: no script, and every figure in words too. Those of a camera's past."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.templatetags.wording import clock, number
from detections.camera_history import Point

WIDTH, HEIGHT = 440, 160
"""Size of a drawing; how large it is shown is the page's business."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 6, 10, 24

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Figure: TypeAlias = Callable[[Point], float | None]


class Mark(NamedTuple):
    """A word at an axis; places are texts, since templates write numbers as people do."""

    place: str
    word: str


class Bar(NamedTuple):
    """A column of a chart."""

    x: str
    y: str
    width: str
    height: str


class Line(NamedTuple):
    """A line of a chart, in pieces where nothing is known in between."""

    name: str
    style: str
    pieces: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn of one figure; `summary` says it in words."""

    key: str
    title: str
    summary: str
    lines: Sequence[Line]
    bars: Sequence[Bar]
    across: Sequence[Mark]
    up: Sequence[Mark]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def right(self) -> str:
        """Where the drawing ends."""
        return str(self.width - _RIGHT)


class Paper:
    """Where a value stands on the drawing: one for each stretch of time that begins at `starts`."""

    def __init__(
        self, starts: Sequence[datetime], values: Sequence[float | None], width: int = WIDTH
    ) -> None:
        """`values`: all that are to find room, of every line and bar."""
        self._starts, self._top = starts, _round_up(max((one or 0.0 for one in values), default=0.0) or 1.0)
        self._step = (width - _LEFT - _RIGHT) / len(starts)

    def _x(self, index: float) -> float:
        return _LEFT + index * self._step

    def _y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - min(1.0, value / self._top) * (HEIGHT - _TOP - _BOTTOM)

    def line(self, name: str, style: str, values: Sequence[float | None]) -> Line:
        """A line of one value a stretch; None leaves a gap."""
        pieces: list[list[str]] = [[]]
        for index, value in enumerate(values):
            if value is not None:
                pieces[-1] += [f"{self._x(index + edge):.1f},{self._y(value):.1f}" for edge in (0, 1)]
            elif pieces[-1]:
                pieces.append([])
        return Line(name, style, [" ".join(piece) for piece in pieces if piece])

    def bars(self, values: Sequence[float]) -> list[Bar]:
        """A column for each stretch that has something."""
        foot, width = self._y(0), self._step * 0.72
        return [
            Bar(
                f"{self._x(index + 0.14):.1f}",
                f"{self._y(value):.1f}",
                f"{width:.1f}",
                f"{foot - self._y(value):.1f}",
            )
            for index, value in enumerate(values)
            if value
        ]

    def up(self) -> list[Mark]:
        """Marks of the values."""
        return [
            Mark(f"{self._y(value):.1f}", formats.number_format(f"{value:.12g}", force_grouping=True))
            for value in (0.0, self._top / 2, self._top)
        ]

    def across(self) -> list[Mark]:
        """Marks of the time: hours of a day, days of a week, or dates."""
        length = self._starts[1] - self._starts[0]
        if length >= DAY and len(self._starts) > 7:
            return self._dates()
        marks = []
        for index, start in enumerate(self._starts):
            local = timezone.localtime(start)
            if local.minute == 0 and local.hour % (24 if length > HOUR else 6) == 0:
                word = formats.date_format(local, "D j") if length > HOUR else clock(local)
                marks.append(Mark(f"{self._x(index):.1f}", word))
        return marks

    def _dates(self) -> list[Mark]:
        every = math.ceil(len(self._starts) / 8)
        return [
            Mark(f"{self._x(index + 0.5):.1f}", formats.date_format(timezone.localtime(start), "j N"))
            for index, start in enumerate(self._starts)
            if index % every == every // 2
        ]


def _written(value: float, most: float) -> str:
    """A number beside others of which `most` is the largest: with as many decimals as tell them apart."""
    return formats.number_format(value, 0 if most >= 50 else 1 if most >= 2 else 2)


def _round_up(value: float) -> float:
    """A round number at least as large: 1, 2, 4, 6, 8 or 10 times a power of ten; the half is round too."""
    power = 0.01
    while True:
        for factor in (1, 2, 4, 6, 8):
            if factor * power >= value * 0.999:
                return factor * power
        power *= 10


def charts_of(points: Sequence[Point]) -> list[Chart]:
    """The four charts of a camera."""
    return [
        _chart("fps", _("Frames a second"), points, lambda p: p.fps, lambda p: p.fps_asked),
        _chart("read", _("Reading a frame, in milliseconds"), points, lambda p: p.read_ms),
        _chart("delay", _("From capture to reading, in seconds"), points, lambda p: p.delay_seconds),
        _passages(points),
    ]


def _chart(
    key: str, title: str, points: Sequence[Point], figure: Figure, asked: Figure = lambda _point: None
) -> Chart:
    values, wanted = [figure(point) for point in points], [asked(point) for point in points]
    known = [one for one in values if one is not None]
    paper = Paper([point.start for point in points], [*known, *wanted])
    lines = [paper.line(_("measured"), "actual", values)]
    if any(wanted):
        lines.insert(0, paper.line(_("asked for"), "usual", wanted))
    return Chart(key, title, _summary(known), lines, [], paper.across(), paper.up())


def _passages(points: Sequence[Point]) -> Chart:
    expected = [point.expected for point in points]
    actual = [point.passages for point in points]
    paper = Paper([point.start for point in points], [1.0, *actual, *expected])
    known = [one for one in expected if one is not None]
    words = _("%(actual)s passages; %(expected)s are usual.") if known else _("%(actual)s passages.")
    summary = words % {"actual": number(sum(actual)), "expected": number(round(sum(known)))}
    lines = [paper.line(_("usual"), "usual", expected)] if known else []
    return Chart("passages", _("Passages"), summary, lines, paper.bars(actual), paper.across(), paper.up())


def _summary(known: Sequence[float]) -> str:
    if not known:
        return _("Nothing was measured.")
    figures = {"mean": sum(known) / len(known), "least": min(known), "most": max(known)}
    words = {name: _written(value, figures["most"]) for name, value in figures.items()}
    return _("%(mean)s on average, from %(least)s to %(most)s.") % words
