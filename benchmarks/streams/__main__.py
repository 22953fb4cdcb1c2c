"""`python -m benchmarks streams [--parts decode,engine,live,soak] [--limit N]`: measure and keep the tables.

Each part takes its own place in benchmarks/results/streams.md, the others stay. With --limit only so many
frames are decoded, seconds watched and minutes soaked, and the tables land in var/benchmarks/partial.
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
from benchmarks.streams.soak import MINUTES, soak

RESULTS = Path(__file__).resolve().parents[1] / "results"
CAMERAS = 4


def main() -> int:
    """Run the parts asked for, print their tables and keep them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_site.settings")
    django.setup()
    parser = argparse.ArgumentParser(prog="python -m benchmarks streams", description=__doc__)
    parser.add_argument("--sets", default=",".join(PARTS), help=f"of {','.join(PARTS)}; default: all")
    parser.add_argument("--limit", type=int, default=0, help="frames to decode, seconds to watch, minutes")
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--fps", type=float, default=3.0, help="frames analysed a second, in the soak")
    given = parser.parse_args()
    names = given.sets.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"no {', '.join(unknown)}; sets: {', '.join(PARTS)}")
    WORK.mkdir(parents=True, exist_ok=True)
    path = (WORK / "partial" if given.limit else RESULTS) / "streams.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = " ".join(["python -m benchmarks streams", *sys.argv[1:]])
    for name in names:
        print(f"== {name}", flush=True)
        title, *lines = PARTS[name](given)
        told = f"`{command}`; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}."
        print(title, *lines, sep="\n", flush=True)
        keep(path, title, ["", told, *lines])
    print(f"Kept in {path}")
    return 0


def keep(path: Path, title: str, lines: Sequence[str]) -> None:
    """Put a section in the place of its former self; the others stay."""
    _, *parts = ("\n" + path.read_text()).split("\n## ") if path.exists() else [""]
    sections = {"## " + part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    sections[title] = "\n".join(lines).strip()
    path.write_text(
        "# Streams\n\n" + "\n\n".join(f"{head}\n\n{text}" for head, text in sections.items()) + "\n"
    )


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
    "soak": lambda given: soak(given.cameras, given.limit or MINUTES, given.fps),
}

if __name__ == "__main__":
    sys.exit(main())
