"""`python -m benchmarks recognition [--sets ...] [--engines ...] [--limit N]`: measure and keep the tables.

With --limit only so many of each set are taken, and the result lands in var/benchmarks instead of
benchmarks/results.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.recognition import benin, reading, real
from benchmarks.recognition.bad_input import bad_input
from benchmarks.recognition.cases import WORK, CaseSet, MissingDataError
from benchmarks.recognition.contenders import CONTENDERS, UnavailableError
from benchmarks.recognition.curves import COUNT as CURVE_COUNT
from benchmarks.recognition.curves import curves
from benchmarks.recognition.detection import detection
from benchmarks.recognition.passing import passing
from benchmarks.recognition.report import Section, write
from benchmarks.recognition.speed import speed

RESULTS = Path(__file__).resolve().parents[1] / "results"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line; `limit` 0 is everything."""

    data: Path
    engines: tuple[str, ...]
    limit: int
    jobs: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 0 also where data are missing, which is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks recognition", description=__doc__)
    parser.add_argument("--sets", default=",".join(PARTS), help=f"of {','.join(PARTS)}; default: all")
    parser.add_argument("--engines", default=",".join(CONTENDERS), help="default: all")
    parser.add_argument("--limit", type=int, default=0, help="at most so many cases of a set")
    parser.add_argument("--jobs", type=int, default=1, help="processes that read side by side")
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args(arguments)
    names, engines = given.sets.split(","), tuple(given.engines.split(","))
    if unknown := [*set(names) - set(PARTS), *set(engines) - set(CONTENDERS)]:
        parser.error(f"no {', '.join(unknown)}; sets: {', '.join(PARTS)}; engines: {', '.join(CONTENDERS)}")
    options = Options(given.data, engines, given.limit, given.jobs)
    # The whole command is kept with the figures.
    command = " ".join(["python -m benchmarks recognition", *(arguments or sys.argv[1:])])
    path = (WORK / "partial" if options.limit else RESULTS) / "recognition.md"
    for name in names:
        print(f"== {name}", flush=True)
        try:
            for key, section in PARTS[name](options):
                write(path, {key: section}, command)
                print(f"\n## {section.title}\n", *section.lines, sep="\n", flush=True)
        except (MissingDataError, UnavailableError) as missing:
            print(f"{name} is left out: {missing}", flush=True)
    print(f"Kept in {path}")
    return 0


def _read(sets: Callable[[Options], Sequence[CaseSet]]) -> Callable[[Options], Iterator[tuple[str, Section]]]:
    """The part of the benchmark in which those sets are read by everybody."""

    def part(options: Options) -> Iterator[tuple[str, Section]]:
        for one in sets(options):
            chosen = replace(one, cases=one.cases[: options.limit or None])
            yield one.name, reading.section(chosen, options.engines, jobs=options.jobs)

    return part


PARTS: Mapping[str, Callable[[Options], Iterator[tuple[str, Section]]]] = {
    "crops": _read(lambda options: real.crops(options.data)),
    "real": _read(lambda options: real.photographs(options.data)),
    "benin": _read(lambda options: benin.benin(options.data, count=options.limit or benin.COUNT)),
    "curves": lambda options: curves(options.engines, count=options.limit or CURVE_COUNT, jobs=options.jobs),
    "detector": lambda options: detection(options.data, limit=options.limit),
    "clips": lambda options: passing(options.data, options.engines, limit=options.limit, jobs=options.jobs),
    "speed": lambda options: speed(limit=options.limit),
    "bad-input": lambda options: bad_input(),
}

if __name__ == "__main__":
    sys.exit(main())
