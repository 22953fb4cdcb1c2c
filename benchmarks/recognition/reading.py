"""The tables of who reads how much of a set of cases."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.recognition.cases import Case, CaseSet, Guess
from benchmarks.recognition.contenders import CONTENDERS, UnavailableError, contender
from benchmarks.recognition.metrics import Score, confusions, reliability, score
from benchmarks.recognition.predictions import guesses, opened
from benchmarks.recognition.report import Section, percent, table

#: Large sets are read whole by our own only, and by the others as far as this.
PEERS_READ = 250
#: Pictures on which times are taken, and the seed that picks them.
_TIMED, _SEED = 16, 7
_SHOWN_CONFUSIONS = 12


def section(cases: CaseSet, engines: Sequence[str], *, jobs: int) -> Section:
    """Everything about one set."""
    read: dict[str, list[Guess]] = {}
    lines = [cases.note, ""]
    for name in engines:
        part = cases.cases if CONTENDERS[name].ours else cases.cases[:PEERS_READ]
        try:
            read[name] = guesses(name, part, jobs=jobs)
        except UnavailableError as error:
            lines += [f"*{CONTENDERS[name].title}: left out. {error}*", ""]
    times = pace(list(read), cases.cases)
    scores = {name: score(cases.cases[: len(some)], some) for name, some in read.items()}
    lines += _scores(cases, read, scores, times)
    for facet in cases.breakdown:
        lines += ["", *_broken_down(cases.cases, facet, read)]
    lines += _about_ours(cases.cases, read)
    figures: dict[str, Any] = {name: asdict(one) for name, one in scores.items()}
    for name, spent in times.items():
        figures[name]["milliseconds"] = round(spent, 1)
        figures[name]["version"] = contender(name).version
    return Section(cases.title, lines, figures)


def pace(names: Sequence[str], cases: Sequence[Case]) -> dict[str, float]:
    """Median milliseconds a picture, all contenders by turns on the same pictures."""
    chosen = np.random.default_rng(_SEED).permutation(len(cases))[:_TIMED]
    spent: dict[str, list[float]] = {name: [] for name in names}
    for index in chosen:
        case = cases[int(index)]
        picture = opened(case.picture)
        for name in names:
            started = time.perf_counter()
            contender(name).read(picture, case)
            spent[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(times) for name, times in spent.items() if times}


def _scores(
    cases: CaseSet,
    read: Mapping[str, Sequence[Guess]],
    scores: Mapping[str, Score],
    times: Mapping[str, float],
) -> list[str]:
    fewest = min((len(some) for some in read.values()), default=0)
    rows = []
    for name, one in scores.items():
        rows.append(_row(CONTENDERS[name].title, one, _ratio(name, times)))
        if one.count > fewest:
            part = score(cases.cases[:fewest], read[name][:fewest])
            rows.append(_row(f"{CONTENDERS[name].title}, the first {fewest}", part, ""))
    heads = ("contender", "plates", "exact %", "folded %", "vehicle %", "errors %", "something read %",
             "times native")  # fmt: skip
    return table(heads, rows)


def _row(title: str, one: Score, ratio: str) -> list[str]:
    shares = (one.exact, one.folded, one.vehicle, one.error_rate, one.found)
    return [title, str(one.count), *(percent(share) for share in shares), ratio]


def _ratio(name: str, times: Mapping[str, float]) -> str:
    ours = "native-box" if name.endswith("-box") else "native"
    if name not in times or ours not in times:
        return "?"
    return f"{times[name] / times[ours]:.1f} ({times[name]:.0f} ms)"


def _broken_down(cases: Sequence[Case], facet: str, read: Mapping[str, Sequence[Guess]]) -> list[str]:
    """Exact reads by the values of a facet, one column a contender."""
    values = sorted({case.facets[facet] for case in cases})
    rows = []
    for value in values:
        row = [value, str(sum(case.facets[facet] == value for case in cases))]
        for some in read.values():
            pairs = [(c, g) for c, g in zip(cases, some, strict=False) if c.facets[facet] == value]
            part = score([c for c, _ in pairs], [g for _, g in pairs])
            row.append(f"{percent(part.exact)}" if pairs else "")
        rows.append(row)
    return table([f"exact % by {facet}", "plates", *read], rows)


def _about_ours(cases: Sequence[Case], read: Mapping[str, Sequence[Guess]]) -> list[str]:
    """What the confidence of our own is worth, and what it mixes up."""
    lines: list[str] = []
    for name in (name for name in ("native", "native-stream", "native-box") if name in read):
        error, bins = reliability(cases, read[name])
        rows = [[f"{b.confidence:.2f}", f"{b.right:.2f}", str(b.reads)] for b in bins]
        mixed = list(confusions(cases, read[name]).items())[:_SHOWN_CONFUSIONS]
        lines += ["", f"Calibration of `{name}`: expected error {error:.3f}.", ""]
        lines += table(("mean confidence", "exact", "reads"), rows)
        if mixed:
            lines += ["", "Mixed up (truth > read): " + ", ".join(f"{a} {n}" for a, n in mixed) + "."]
    return lines
