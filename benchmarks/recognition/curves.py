"""Drawn plates of one difficulty at a time: how reading falls off with height, angle, blur, night, rain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
from PIL import Image

from benchmarks.recognition.cases import WORK, Case, CaseSet
from benchmarks.recognition.contenders import CONTENDERS, UnavailableError
from benchmarks.recognition.metrics import score
from benchmarks.recognition.predictions import guesses
from benchmarks.recognition.report import Section, percent, table
from recognition.boxes import around
from recognition.synthesis import sample
from recognition.synthesis.labels import Label, label_of, read_labels, write_labels
from recognition.synthesis.samples import stream_seed
from recognition.types import Layout

SEED, COUNT = 20261122, 60
_RECIPE = 1
_LAYOUTS: tuple[Layout, ...] = ("one_line", "two_line")
#: Kinds of plates by layout: cars' and motorcycles'.
_KINDS = {"one_line": ("benin",), "two_line": ("BJ:motorcycle", "BJ:state_motorcycle", "BJ:private")}
#: Height of characters, in pixels, where it is not what is varied.
_USUAL_HEIGHT = 20.0
_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_WHO = ("native-box", "rapidocr-box")


class Series(NamedTuple):
    """What is varied, and its values; `effect` "" is the height itself."""

    name: str
    effect: str
    values: tuple[float, ...]
    difficulty: float = 0.0


SERIES = (
    Series("character height (px), some wear", "", (8, 10, 12, 14, 16, 20, 24, 32, 40), 0.25),
    Series("largest angle (share of 60 degrees)", "perspective", (0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1)),
    Series("focus blur", "focus_blur", _STRENGTHS),
    Series("motion blur", "motion_blur", _STRENGTHS),
    Series("night", "night", _STRENGTHS),
    Series("infrared", "infrared", _STRENGTHS),
    Series("rain", "rain", _STRENGTHS),
    Series("low light noise", "noise", _STRENGTHS),
)


def curves(engines: Sequence[str], *, count: int = COUNT, jobs: int = 1) -> Iterator[tuple[str, Section]]:
    """The curves of those engines that are shown boxes, one section in all."""
    sets = [_drawn(series, count) for series in SERIES]
    lines = [
        f"Drawn plates of Benin, faces held out, seed {SEED}, {count} a point and layout; characters "
        f"{_USUAL_HEIGHT:.0f} px high unless said otherwise, every other effect off. The plate's corners are "
        "given to our reader, the box around them to the others. Exact %.",
        "",
    ]
    figures: dict[str, object] = {}
    for cases in sets:
        heads, columns = [cases.title], []
        for name in (name for name in _WHO if name in engines):
            try:
                columns.append(_column(cases.cases, name, jobs))
            except UnavailableError as error:
                lines += [f"*{CONTENDERS[name].title}: left out. {error}*", ""]
                continue
            heads += [f"{name}, one line", f"{name}, two lines"]
        values = list(dict.fromkeys(case.facets["value"] for case in cases.cases))
        rows = [
            [value, *(percent(c[layout][value]) for c in columns for layout in _LAYOUTS)] for value in values
        ]
        lines += [*table(heads, rows), ""]
        figures[cases.name] = dict(zip(heads[1::2], columns, strict=True))
    yield "curves", Section("Curves on drawn plates", lines, figures)


def _column(cases: Sequence[Case], name: str, jobs: int) -> dict[str, dict[str, float]]:
    """Exact reads by layout and value."""
    read = guesses(name, cases, jobs=jobs)
    found: dict[str, dict[str, float]] = {}
    for layout in _LAYOUTS:
        for value in dict.fromkeys(case.facets["value"] for case in cases):
            pairs = [
                (case, guess)
                for case, guess in zip(cases, read, strict=True)
                if case.layout == layout and case.facets["value"] == value
            ]
            exact = score([case for case, _ in pairs], [guess for _, guess in pairs]).exact
            found.setdefault(layout, {})[value] = exact
    return found


def _drawn(series: Series, count: int) -> CaseSet:
    """The samples of a series, drawn first where they are missing."""
    name = series.effect or "height"
    folder = WORK / f"curves-{SEED}-{_RECIPE}" / name
    labels = folder / f"labels-{count}.csv"
    if not labels.is_file():
        cv2.setNumThreads(1)
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for place, value in enumerate(series.values):
            for layout in _LAYOUTS:
                rows += [_sample(folder, series, place, value, layout, n) for n in range(count)]
        write_labels(labels, rows)
    cases = []
    for label in read_labels(labels):
        facets = {"value": f"{series.values[int(label.file.split('_')[0])]:.2g}"}
        cases.append(
            Case(label.file, folder / label.file, label.text, label.layout, around([label.corners]),
                 label.corners, facets)
        )  # fmt: skip
    return CaseSet(name, series.name, "", cases)


def _sample(folder: object, series: Series, place: int, value: float, layout: Layout, number: int) -> Label:
    # The same plates at every point of a curve: only what is varied changes.
    seed = stream_seed(SEED, number * 2 + _LAYOUTS.index(layout))
    drawn = sample(
        seed, difficulty=series.difficulty, fonts="held_out", kinds=_KINDS[layout], layout=layout,
        effects={"low_resolution": 0.0} | ({series.effect: value} if series.effect else {}),
        character_height=_USUAL_HEIGHT if series.effect else value,
    )  # fmt: skip
    name = f"{place:02d}_{layout}_{number:04d}.png"
    Image.fromarray(drawn.image).save(f"{folder}/{name}")
    return label_of(name, drawn)
