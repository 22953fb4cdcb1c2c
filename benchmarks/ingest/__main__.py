"""`make bench ARGS=ingest`: throughput of ours and the peer, in turn; medians of the ratio of each round.

    python -m benchmarks.ingest [--rounds N] [--seconds S] [--rows N] [--only WORDS] [--no-write]

Data: 200,000 passages (seed 5) of 50 cameras in four weeks on either side before the first run, then what the
runs add. Table: benchmarks/results/ingest.md.
"""

import argparse
import json
import os
import pickle
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, TypeAlias

import psycopg2

from benchmarks.ingest import load, processor
from benchmarks.ingest.cases import CASES, Case, Side
from benchmarks.ingest.pictures import CROP, FRAME
from benchmarks.ingest.seed import SEED
from benchmarks.ingest.servers import WORKERS, both, versions

RESULT = Path(__file__).parents[1] / "results" / "ingest.md"


class Run(NamedTuple):
    """Passages (or answers, where a request holds none) a second, and microseconds of processor for each."""

    rate: float
    processor: float


Found: TypeAlias = dict[str, list[tuple[Run, Run]]]


def measure(case: Case, side: Side, seconds: float, rng: random.Random) -> Run:
    """One run."""
    requests = [case.make(rng, side) for _ in range(max(20, round(case.most * seconds / 4)))]
    job = load.Job(side.port, case.connections, seconds, case.expect[side.name], requests)
    if case.caught_up and side.name == "ours":
        environment = {**os.environ, "DATABASE_URL": side.database_url}
        subprocess.run(
            [sys.executable, "-m", "benchmarks.ingest.seed", "consume"], env=environment, check=True
        )
    before = processor.seconds_of(side.pid, side.database_url)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ingest.load"],
        input=pickle.dumps(job),
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout)
    passages = told["answers"] * case.passages
    spent = processor.seconds_of(side.pid, side.database_url) - before
    return Run(passages / told["seconds"], spent / passages * 1e6)


def rounds(cases: list[Case], sides: tuple[Side, Side], count: int, seconds: float) -> Found:
    """(ours, the peer's) of each round and case; who goes first changes from round to round."""
    rng = random.Random(SEED)
    found: Found = {case.name: [] for case in cases}
    for case in cases:  # connections, caches and plans are made
        for side in sides:
            measure(case, side, 0.5, rng)
    for number in range(count):
        for case in cases:
            order = sides if number % 2 else sides[::-1]
            got = {side.name: measure(case, side, seconds, rng) for side in order}
            found[case.name].append((got["ours"], got["peer"]))
            ours, peer = got["ours"], got["peer"]
            print(
                f"{number + 1}/{count} {case.name}: {ours.rate:.0f} / {peer.rate:.0f} a second, "
                f"{ours.processor:.0f} / {peer.processor:.0f} us",
                flush=True,
            )
    return found


def row(case: Case, pairs: list[tuple[Run, Run]]) -> str:
    """A line of the table."""
    ratios = sorted(ours.rate / peer.rate for ours, peer in pairs)
    work = statistics.median(peer.processor / ours.processor for ours, peer in pairs)
    ours, peer = (statistics.median(run.rate for run in runs) for runs in zip(*pairs, strict=True))
    return (
        f"| {case.name} | {ours:,.0f} | {peer:,.0f} | **{statistics.median(ratios):.1f}** "
        f"| {ratios[0]:.1f} to {ratios[-1]:.1f} | {work:.1f} | {case.goal} |"
    )


def report(found: Found, cases: list[Case], options: argparse.Namespace) -> str:
    """The page, in Markdown."""
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        postgres = cursor.fetchone()[0].split(" on ")[0]
    names = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        "# Passages in and out over HTTP, beside a peer",
        "",
        "The peer is what document B describes (FastAPI, SQLModel async, asyncpg, uvicorn):",
        "[peer.py](../ingest/peer.py). It asks for no key, looks at no picture, finds no repeat, wakes",
        "nobody and notes no search; ours does all of that. Each has a database of its own in the same",
        f"PostgreSQL and {WORKERS} worker processes.",
        "",
        f"`make bench ARGS=ingest`; {os.cpu_count()} cores for both, PostgreSQL and the load; {postgres}, "
        "`fsync` off for both as in tests.",
        f"{options.rounds} rounds of {options.seconds:g} s, in turn; {options.rows:,} passages (seed {SEED}) "
        "on either side at the start.",
        f"Pictures: {len(FRAME) // 1024} kB (1280 x 720) and {len(CROP) / 1024:.0f} kB (160 x 48).",
        f"{names}.",
        "",
        "Passages a second, for the list answers a second; medians. Where the machine had other work to do,",
        "trust the ratios. Processor time is that of the server's processes and of its part of PostgreSQL.",
        "",
        "| | ours | peer | ratio, median | ratios of the rounds | ratio of processor time | goal |",
        "|---|---|---|---|---|---|---|",
        *(row(case, found[case.name]) for case in cases),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table and keep it."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=ingest", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--only", default="", help="cases whose name holds these words")
    parser.add_argument("--no-write", action="store_true", help="leave the kept table as it is")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    with both(options.rows) as sides:
        found = rounds(cases, sides, options.rounds, options.seconds)
    text = report(found, cases, options)
    if not options.no_write:
        RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
