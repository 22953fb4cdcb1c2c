"""Draw from the command line: `python -m recognition.synthesis {plate,photo,clip,plates,composites} ...`."""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from PIL import Image

from recognition.formats import match_formats
from recognition.synthesis import KINDS, Vehicle, draw_photo, draw_plate, make_clip, sample_stream
from recognition.synthesis.labels import write_composites, write_crops
from recognition.synthesis.samples import EFFECTS
from recognition.synthesis.sheets import contact_sheet

_SECONDS_APART = 3.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status."""
    options = _parser().parse_args(arguments)
    status: int = options.run(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recognition.synthesis", description=__doc__)
    commands = parser.add_subparsers(required=True)
    plate = commands.add_parser("plate", help="a plate alone")
    plate.add_argument("out", type=Path)
    plate.add_argument("plate")
    plate.add_argument("--colour", default="white")
    plate.set_defaults(run=_plate)
    photo = commands.add_parser("photo", help="a vehicle on the road")
    photo.add_argument("out", type=Path)
    photo.add_argument("plate")
    photo.add_argument("--kind", choices=sorted(KINDS), help="default: by the plate's format")
    photo.add_argument("--seed", type=int, default=0)
    photo.set_defaults(run=_photo)
    clip = commands.add_parser("clip", help="vehicles passing, as MP4")
    clip.add_argument("out", type=Path)
    clip.add_argument("--plates", nargs="+", required=True, metavar="PLATE[:KIND[:SECOND]]")
    clip.add_argument("--seconds", type=float, help="default: until the last vehicle is gone")
    clip.add_argument("--fps", type=int, default=12)
    clip.add_argument("--seed", type=int, default=0)
    clip.set_defaults(run=_clip)
    _add_random(commands)
    return parser


def _add_random(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    plates = commands.add_parser("plates", help="random plates with their truth, to train and check readers")
    plates.add_argument("out", type=Path, help="folder of crops and labels.csv; a PNG with --sheet")
    plates.add_argument("--count", type=int, default=100)
    plates.add_argument("--seed", type=int, default=0)
    plates.add_argument("--sheet", action="store_true", help="one contact sheet instead of crops")
    plates.add_argument("--difficulty", type=float, default=0.5, help="0 (new and sharp) to 1")
    plates.add_argument("--fonts", choices=["train", "held_out"], default="train")
    plates.add_argument("--kinds", nargs="+", help="benin, neighbours, general, a country, country:category")
    plates.add_argument("--layout", choices=["one_line", "two_line"])
    plates.add_argument("--height", type=float, help="of the characters in pixels; default: random")
    plates.add_argument("--effects", nargs="+", default=[], metavar="NAME=STRENGTH",
                        help=f"fix single effects (0: off): {', '.join(EFFECTS)}")  # fmt: skip
    plates.set_defaults(run=_plates)
    composites = commands.add_parser("composites", help="random plates in real photographs, for YOLO-pose")
    composites.add_argument("photos", type=Path)
    composites.add_argument("labels", type=Path, help="folder of YOLO boxes of the plates in the photographs")
    composites.add_argument("out", type=Path)
    composites.add_argument("--count", type=int, default=100)
    composites.add_argument("--seed", type=int, default=0)
    composites.set_defaults(run=_composites)


def _plate(options: argparse.Namespace) -> int:
    draw_plate(options.plate, colour=options.colour).save(options.out)
    return 0


def _photo(options: argparse.Namespace) -> int:
    kind = options.kind or usual_kind(options.plate)
    Image.fromarray(draw_photo(options.plate, kind, options.seed)).save(options.out, quality=92)
    return 0


def _clip(options: argparse.Namespace) -> int:
    vehicles = [vehicle_from(text, index) for index, text in enumerate(options.plates)]
    seconds = options.seconds or max(vehicle.start for vehicle in vehicles) + 6.5
    for truth in make_clip(options.out, vehicles, seconds, options.fps, seed=options.seed):
        print(f"{truth.plate} {truth.kind} {truth.direction}: plate visible in {len(truth.boxes)} frames")
    return 0


def _plates(options: argparse.Namespace) -> int:
    effects = {
        name: float(strength) for name, _, strength in (word.partition("=") for word in options.effects)
    }
    stream = sample_stream(
        options.seed, difficulty=options.difficulty, fonts=options.fonts, kinds=options.kinds,
        layout=options.layout, effects=effects, character_height=options.height,
    )  # fmt: skip
    drawn = islice(stream, options.count)
    if options.sheet:
        sheet = options.out if options.out.suffix else options.out.with_suffix(".png")
        contact_sheet(list(drawn)).save(sheet)
        print(f"{options.count} plates in {sheet}")
        return 0
    print(f"{write_crops(options.out, drawn)} plates in {options.out}")
    return 0


def _composites(options: argparse.Namespace) -> int:
    plates = write_composites(options.photos, options.labels, options.out, options.count, options.seed)
    print(f"{plates} plates in {options.count} photographs in {options.out}")
    return 0


def vehicle_from(text: str, index: int) -> Vehicle:
    """PLATE, PLATE:KIND or PLATE:KIND:SECOND; the kind by the format, and 3.5 s apart, where not said.

    Raises ValueError when the second is not a number.
    """
    plate, kind, start = (*text.split(":"), "", "")[:3]
    return Vehicle(plate, kind or usual_kind(plate), float(start) if start else 0.5 + index * _SECONDS_APART)


def usual_kind(plate: str) -> str:
    """ "motorcycle" for a plate of that format, else "car"."""
    matches = match_formats(plate)
    return "motorcycle" if matches and "motorcycle" in matches[0].category else "car"


if __name__ == "__main__":
    raise SystemExit(main())
