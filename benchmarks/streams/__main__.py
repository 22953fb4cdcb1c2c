"""`python -m benchmarks streams [--parts decode,engine,live] [--limit N]`: measure and keep the tables.

With --limit only so many frames are decoded and so many seconds watched, and the table lands in
var/benchmarks/partial instead of benchmarks/results.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import django

from benchmarks.recognition.cases import WORK
from benchmarks.recognition.report import machine, table
from benchmarks.recognition.speed import clip, measured
from benchmarks.streams.decoding import decode
from benchmarks.streams.live import live

RESULTS = Path(__file__).resolve().parents[1] / "results"
CAMERAS = 4


def main() -> int:
    """Run the parts asked for, print their tables and keep them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_site.settings")
    django.setup()
    parser = argparse.ArgumentParser(prog="python -m benchmarks streams", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {','.join(PARTS)}; default: all")
    parser.add_argument("--limit", type=int, default=0, help="frames to decode, and seconds to watch")
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    given = parser.parse_args()
    names = given.parts.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"no {', '.join(unknown)}; parts: {', '.join(PARTS)}")
    WORK.mkdir(parents=True, exist_ok=True)
    command = " ".join(["python -m benchmarks streams", *sys.argv[1:]])
    lines = ["# Streams", "", f"`{command}`; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}.", ""]
    for name in names:
        print(f"== {name}", flush=True)
        part = [*PARTS[name](given), ""]
        print(*part, sep="\n", flush=True)
        lines += part
    whole = not given.limit and names == list(PARTS)
    path = (RESULTS if whole else WORK / "partial") / "streams.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines).rstrip() + "\n")
    print(f"Kept in {path}")
    return 0


def engine(given: argparse.Namespace) -> Sequence[str]:
    """The usual engine on one thread, frames of 1280 x 720."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(measured, "native", 1, clip(), given.limit).result()
    if "missing" in found:
        return ["## Detecting and reading", "", f"Left out: {found['missing']}"]
    row = [f"{found[key]:.1f}" for key in ("detector", "engine", "tracked", "plate_ms", "memory")]
    heads = ("engine", "detector, frames/s", "engine, frames/s", "with tracker and decoding, frames/s",
             "ms a plate", "memory, MB")  # fmt: skip
    return ["## Detecting and reading", "", *table(heads, [["native, 1 thread", *row]])]


PARTS: dict[str, Callable[[argparse.Namespace], Sequence[str]]] = {
    "decode": lambda given: decode(given.limit),
    "engine": engine,
    "live": lambda given: live(given.cameras, given.limit),
}

if __name__ == "__main__":
    sys.exit(main())
