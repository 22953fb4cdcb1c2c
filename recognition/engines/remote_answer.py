"""Reads that another machine sent, in the JSON of `python -m recognition read`: every field is checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, get_args

from recognition.boxes import corners
from recognition.characters import normalise
from recognition.engines.registry import EngineError
from recognition.formats import match_formats
from recognition.plates import MAX_PLATE_LENGTH
from recognition.types import Box, Candidate, Layout, ObjectKind, PlateRead, Point, Polygon, SeenObject

#: Names of colours that a read may have.
_COLOURS = frozenset({"", "white", "yellow", "orange", "red", "blue", "green", "black", "purple"})
_MOST_READS, _MOST_CANDIDATES = 100, 50
#: A corner may lie outside the picture by as many of its sides.
_OUTSIDE = 1.0


class _WrongError(Exception):
    """A field that is not as it should be: the message names it."""


def reads_from(body: bytes, *, width: int, height: int) -> list[PlateRead]:
    """The reads in an answer about a picture of that size, best first. Raises EngineError."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EngineError("The remote engine's answer is not JSON.") from error
    try:
        if not isinstance(answer, dict) or "reads" not in answer:
            raise _WrongError("there is no field “reads”")
        rows = _list(answer["reads"], "reads", _MOST_READS)
        reads = [_read(row, f"reads[{index}]", width, height) for index, row in enumerate(rows)]
    except _WrongError as error:
        raise EngineError(f"The remote engine's answer is wrong: {error}.") from error
    return sorted(reads, key=lambda read: -read.confidence)


def _read(row: Any, where: str, width: int, height: int) -> PlateRead:
    fields = _object(row, where)
    text = _text(fields.get("text"), f"{where}.text")
    layout = _layout(fields.get("layout"), f"{where}.layout")
    confidence = _share(fields.get("confidence"), f"{where}.confidence")
    box = _box(fields.get("box"), f"{where}.box", width, height)
    colour = fields.get("plate_colour", "")
    if not isinstance(colour, str) or colour not in _COLOURS:
        raise _WrongError(f"{where}.plate_colour is no colour of plates")
    polygon = corners(box)
    if fields.get("polygon") is not None:
        polygon = _polygon(fields["polygon"], f"{where}.polygon", width, height)
    vehicle = fields.get("vehicle")
    return PlateRead(
        text=text,
        raw_text=_text(fields["raw_text"], f"{where}.raw_text") if fields.get("raw_text") else text,
        confidence=confidence,
        # The sender told one figure: it stands for both parts.
        detection_confidence=confidence,
        recognition_confidence=confidence,
        box=box,
        polygon=polygon,
        layout=layout,
        plate_colour=colour,
        candidates=_candidates(fields.get("candidates"), f"{where}.candidates"),
        countries=tuple(match_formats(text, colour=colour, layout=layout)),
        vehicle=None if vehicle is None else _vehicle(vehicle, f"{where}.vehicle", width, height),
    )


def _candidates(value: Any, where: str) -> tuple[Candidate, ...]:
    rows = [_object(row, where) for row in _list([] if value is None else value, where, _MOST_CANDIDATES)]
    texts = [_text(row.get("text"), f"{where}.text") for row in rows]
    likelihoods = [_share(row.get("likelihood"), f"{where}.likelihood") for row in rows]
    found = tuple(map(Candidate, texts, likelihoods))
    # Rounded figures may add up to a little more than 1.
    if sum(one.likelihood for one in found) > 1.01:
        raise _WrongError(f"{where} have likelihoods of more than 1 in all")
    return found


def _vehicle(value: Any, where: str, width: int, height: int) -> SeenObject:
    fields = _object(value, where)
    kind: ObjectKind | None = next((one for one in get_args(ObjectKind) if one == fields.get("kind")), None)
    if kind is None:
        raise _WrongError(f"{where}.kind is none of {', '.join(get_args(ObjectKind))}")
    box = _box(fields.get("box"), f"{where}.box", width, height)
    return SeenObject(kind, _share(fields.get("confidence"), f"{where}.confidence"), box)


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _WrongError(f"{where} is not an object")
    return value


def _list(value: Any, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _WrongError(f"{where} is not a list of at most {most}")
    return value


def _text(value: Any, where: str) -> str:
    text = normalise(value) if isinstance(value, str) and len(value) <= 4 * MAX_PLATE_LENGTH else ""
    if not 0 < len(text) <= MAX_PLATE_LENGTH:
        raise _WrongError(f"{where} is not a text of 1 to {MAX_PLATE_LENGTH} letters and digits")
    return text


def _layout(value: Any, where: str) -> Layout:
    for name in get_args(Layout):
        if value == name:
            known: Layout = name
            return known
    raise _WrongError(f"{where} is neither one_line nor two_line")


def _number(value: Any, where: str) -> float:
    # For Python true is a number, and its JSON knows NaN and Infinity.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _WrongError(f"{where} is not a number")
    return float(value)


def _share(value: Any, where: str) -> float:
    number = _number(value, where)
    if not 0 <= number <= 1:
        raise _WrongError(f"{where} is not between 0 and 1")
    return number


def _box(value: Any, where: str, width: int, height: int) -> Box:
    x1, y1, x2, y2 = (_number(one, where) for one in _exactly(value, 4, where))
    x1, y1, x2, y2 = max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)
    if x1 >= x2 or y1 >= y2:
        raise _WrongError(f"{where} is empty or outside the picture")
    return x1, y1, x2, y2


def _polygon(value: Any, where: str, width: int, height: int) -> Polygon:
    a, b, c, d = (_point(one, where, width, height) for one in _exactly(value, 4, where))
    return a, b, c, d


def _point(value: Any, where: str, width: int, height: int) -> Point:
    x, y = (_number(one, where) for one in _exactly(value, 2, where))
    if not (-_OUTSIDE * width <= x <= (1 + _OUTSIDE) * width):
        raise _WrongError(f"{where} is far outside the picture")
    if not (-_OUTSIDE * height <= y <= (1 + _OUTSIDE) * height):
        raise _WrongError(f"{where} is far outside the picture")
    return x, y


def _exactly(value: Any, count: int, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != count:
        raise _WrongError(f"{where} is not a list of {count}")
    return value
