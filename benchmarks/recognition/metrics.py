"""Figures about reads: how many are right, how wrong the others are, what a confidence is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.recognition.cases import Case, Guess
from recognition.characters import without_twins
from recognition.plates import core

_BINS = 10


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of `count` plates, 0 to 1; `error_rate` is edits per character of the truth."""

    count: int
    exact: float
    folded: float
    vehicle: float
    error_rate: float
    found: float


class Bin(NamedTuple):
    """Reads of about the same confidence: how many, what they promised and what they kept."""

    reads: int
    confidence: float
    right: float


def score(cases: Sequence[Case], guesses: Sequence[Guess]) -> Score:
    """The figures of one contender; `vehicle` forgives a missing or superfluous country mark (RB, ...)."""
    pairs = [(case.text, guess.text) for case, guess in zip(cases, guesses, strict=True)]
    count = max(1, len(pairs))
    return Score(
        count=len(pairs),
        exact=sum(truth == read for truth, read in pairs) / count,
        folded=sum(without_twins(truth) == without_twins(read) for truth, read in pairs) / count,
        vehicle=sum(core(truth) == core(read) for truth, read in pairs) / count,
        error_rate=sum(edits(truth, read) for truth, read in pairs)
        / max(1, sum(len(truth) for truth, _ in pairs)),
        found=sum(bool(read) for _, read in pairs) / count,
    )


def edits(first: str, second: str) -> int:
    """Least number of characters to change, put in or take out to make one text the other."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def reliability(cases: Sequence[Case], guesses: Sequence[Guess]) -> tuple[float, list[Bin]]:
    """Expected calibration error, and the reads in ten bins of confidence (empty ones left out)."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for case, guess in zip(cases, guesses, strict=True):
        if guess.text:
            place = min(_BINS - 1, int(guess.confidence * _BINS))
            bins[place].append((guess.confidence, guess.text == case.text))
    filled = [_bin(reads) for reads in bins if reads]
    total = max(1, sum(one.reads for one in filled))
    return sum(one.reads * abs(one.confidence - one.right) for one in filled) / total, filled


def confusions(cases: Sequence[Case], guesses: Sequence[Guess]) -> dict[str, int]:
    """How often one character was read as another, commonest first, in reads of the right length."""
    counts: dict[str, int] = {}
    for case, guess in zip(cases, guesses, strict=True):
        if len(case.text) == len(guess.text):
            for truth, read in zip(case.text, guess.text, strict=True):
                if truth != read:
                    counts[f"{truth}>{read}"] = counts.get(f"{truth}>{read}", 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _bin(reads: Sequence[tuple[float, bool]]) -> Bin:
    return Bin(
        len(reads),
        sum(confidence for confidence, _ in reads) / len(reads),
        sum(right for _, right in reads) / len(reads),
    )
