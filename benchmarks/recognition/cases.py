"""One plate to be read, and what every set of them is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recognition.types import Box, Layout, Polygon

#: What is made for the benchmarks: pictures, clips, predictions. Git ignores it.
WORK = Path(__file__).resolve().parents[2] / "var" / "benchmarks"


class MissingDataError(Exception):
    """Pictures that a set needs are not there; the message says where they were looked for."""


@dataclass(frozen=True, slots=True)
class Case:
    """A picture with one plate to be read in it, and the truth.

    `box` is the plate's place, None where the picture is nothing but the plate; `polygon` its corners where
    they are known. `facets` are what the tables are broken down by: {"source": "egm", "height": "16-24"}.
    """

    name: str
    picture: Path
    text: str
    layout: Layout
    box: Box | None = None
    polygon: Polygon | None = None
    facets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseSet:
    """Cases under one heading; `note` says what they are, `breakdown` by which facets they are shown."""

    name: str
    title: str
    note: str
    cases: Sequence[Case]
    breakdown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guess:
    """What a contender read: its text and, before formats had their say, its raw text; "" for nothing."""

    text: str = ""
    raw: str = ""
    confidence: float = 0.0
    layout: str = ""


NOTHING = Guess()
