"""Read photographs from the command line: `python -m recognition read [--json] [--engine NAME] FILE...`."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from recognition.engines import DEFAULT_ENGINE, ENGINES, Engine, EngineError, get_engine
from recognition.images import ImageError, open_image

if TYPE_CHECKING:
    from recognition.types import PlateRead, SeenObject


class VehicleRow(TypedDict):
    """The vehicle that carries a plate, as printed."""

    kind: str
    confidence: float
    box: list[float]


class ReadRow(TypedDict):
    """One plate of a file, as printed."""

    text: str
    confidence: float
    box: list[float]
    layout: str
    candidates: list[dict[str, str | float]]
    raw_text: str
    polygon: list[list[float]]
    plate_colour: str
    vehicle: VehicleRow | None


class FileRow(TypedDict, total=False):
    """One file, as printed: `reads` (best first), or `error` for people with `code` for programs."""

    file: str
    reads: list[ReadRow]
    error: str
    code: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: 0 when every file could be read, 1 when one could not, 2 without an engine."""
    options = _parser().parse_args(arguments)
    try:
        engine = get_engine(options.engine, **_parameters(options))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    failed = False
    for row in read_files(options.files, engine):
        failed = failed or "error" in row
        print(json.dumps(row) if options.json else _table(row), flush=True)
    return int(failed)


def read_files(files: Sequence[Path], engine: Engine) -> Iterator[FileRow]:
    """Read each file in turn; one that is missing or no picture gives a row with `error`."""
    for file in files:
        try:
            reads = engine.find(open_image(file.read_bytes()))
        except OSError as error:
            yield {"file": str(file), "error": error.strerror or str(error), "code": "unreadable"}
        except ImageError as error:
            yield {"file": str(file), "error": error.message, "code": error.code}
        except EngineError as error:
            yield {"file": str(file), "error": str(error), "code": "engine"}
        else:
            yield {"file": str(file), "reads": [_row(read) for read in reads]}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recognition")
    commands = parser.add_subparsers(required=True)
    read = commands.add_parser("read", help="read the plates in photographs")
    read.add_argument("files", nargs="+", type=Path, metavar="FILE")
    read.add_argument("--json", action="store_true", help="one line of JSON per file")
    read.add_argument("--engine", default=DEFAULT_ENGINE, help=f"one of {', '.join(ENGINES)}")
    read.add_argument("--min-confidence", type=float, default=0.3, help="0 to 1; reads below are left out")
    read.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="parameters",
        help="a parameter of the engine: url=https://...",
    )  # fmt: skip
    return parser


def _parameters(options: argparse.Namespace) -> dict[str, str | float]:
    """The engine's parameters. Raises EngineError."""
    parameters: dict[str, str | float] = {"min_confidence": options.min_confidence}
    for given in options.parameters:
        name, equals, value = given.partition("=")
        if not equals:
            raise EngineError(f"--set {given}: expected NAME=VALUE.")
        parameters[name] = _number(value)
    return parameters


def _number(value: str) -> str | float:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def _row(read: "PlateRead") -> ReadRow:
    vehicle = read.vehicle
    return {
        "text": read.text,
        "confidence": round(read.confidence, 4),
        "box": _rounded(read.box),
        "layout": read.layout,
        "candidates": [{"text": c.text, "likelihood": round(c.likelihood, 4)} for c in read.candidates],
        "raw_text": read.raw_text,
        "polygon": [_rounded(point) for point in read.polygon],
        "plate_colour": read.plate_colour,
        "vehicle": None if vehicle is None else _vehicle_row(vehicle),
    }


def _vehicle_row(vehicle: "SeenObject") -> VehicleRow:
    confidence = round(vehicle.confidence, 4)
    return {"kind": vehicle.kind, "confidence": confidence, "box": _rounded(vehicle.box)}


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(value, 1) for value in values]


def _table(row: FileRow) -> str:
    if "error" in row:
        return f"{row['file']}: {row['error']} ({row['code']})"
    lines = [f"{row['file']}: {len(row['reads'])} plate(s)"]
    for read in row["reads"]:
        box = ", ".join(f"{value:.0f}" for value in read["box"])
        lines.append(f"  {read['text']:<16} {read['confidence']:>5.0%}  {read['layout']:<9} [{box}]")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
