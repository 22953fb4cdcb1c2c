"""Real plates: the crops of `plates-read`, and plates in photographs kept from all training."""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.recognition.cases import Case, CaseSet, MissingDataError
from recognition.images import open_image
from recognition.synthesis.labels import yolo_boxes
from recognition.training.detection_data import held_out
from recognition.training.reader_real import LABELS
from recognition.types import Layout

#: Labels of `plates-read` that are wrong, as seen by eye.
CORRECTIONS = Path(__file__).with_name("corrections.csv")


def crops(data: Path) -> list[CaseSet]:
    """The two-line and the one-line crops. Raises MissingDataError."""
    folder = data / "plates-read"
    if not (folder / "labels.csv").is_file():
        raise MissingDataError(f"{folder / 'labels.csv'} is missing")
    right = corrections()
    cases: dict[str, list[Case]] = {"eu": [], "br": []}
    for row in _rows(folder / "labels.csv"):
        name = row["file"]
        text = right.get((name, row["text"]), row["text"])
        layout: Layout = "two_line" if name.startswith("eu") else "one_line"
        case = Case(name, folder / "images" / name, text, layout, facets={"country": row["country"]})
        cases[name[:2]].append(case)
    note = "{} crops{}, never trained on; {} labels corrected by eye (`corrections.csv`)."
    corrected = {kind: sum(name.startswith(kind) for name, _ in right) for kind in cases}
    return [
        CaseSet("eu", "Two-line crops, Europe (`plates-read` eu)",
                note.format(128, " of 70 x 50 pixels", corrected["eu"]), cases["eu"], ("country",)),
        CaseSet("br", "One-line crops, Brazil (`plates-read` br)",
                note.format(250, "", corrected["br"]), cases["br"]),
    ]  # fmt: skip


def corrections() -> dict[tuple[str, str], str]:
    """The right text by file and wrong label."""
    return {(row["file"], row["wrong"]): row["right"] for row in _rows(CORRECTIONS)}


def photographs(data: Path) -> list[CaseSet]:
    """Labelled plates in photographs kept for checking. Raises MissingDataError."""
    folder = data / "plates-detect" / "train"
    if not (folder / "images").is_dir():
        raise MissingDataError(f"{folder / 'images'} is missing")
    cases = [_plate(row, folder) for row in _rows(LABELS) if held_out(row["photo"])]
    return [
        CaseSet("real", "Real plates of the held-out tenth (`plates-detect/train`, many countries)",
                "Plates whose text two readers agreed on (RapidOCR one of them, which favours it) or "
                "a person could make out, in photographs of at most 512 pixels.",
                cases, ("layout", "source", "height"))
    ]  # fmt: skip


def _plate(row: dict[str, str], folder: Path) -> Case:
    picture = folder / "images" / row["photo"]
    label = folder / "labels" / f"{picture.stem}.txt"
    height, width = open_image(picture.read_bytes()).shape[:2]
    box = yolo_boxes(label.read_text(encoding="utf-8"), width, height)[int(row["plate"])]
    source = picture.stem.split("_")[0]
    tall = box[3] - box[1]
    size = "plate under 25 px" if tall < 25 else "25 to 40 px" if tall < 40 else "40 px and more"
    layout: Layout = "two_line" if row["layout"] == "two_line" else "one_line"
    facets = {"layout": layout, "source": source, "height": size}
    return Case(f"{row['photo']}#{row['plate']}", picture, row["text"], layout, box, facets=facets)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
