"""Plates in photographs of others: truth, light, labels; and the folders and sheets that are written."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recognition.synthesis import composite, draw_photo, sample, sample_stream
from recognition.synthesis.__main__ import main
from recognition.synthesis.labels import (
    CLASSES,
    label_of,
    read_labels,
    write_crops,
    write_labels,
    yolo_boxes,
    yolo_pose_line,
)
from recognition.types import RGB, Box

#: Where the drawn car of the fixture has its plate, roughly.
BOX: Box = (447.0, 545.0, 575.0, 575.0)


@pytest.fixture(scope="module")
def photo() -> RGB:
    return draw_photo("BB6232RB", "car", seed=1)


def test_a_composite_repeats_and_leaves_the_photograph_alone(photo: RGB) -> None:
    before = photo.copy()
    (first, truth), (again, same) = composite(photo, BOX, 5), composite(photo, BOX, 5)
    assert np.array_equal(photo, before)
    assert np.array_equal(first, again)
    assert truth == same
    assert not np.array_equal(first, composite(photo, BOX, 6)[0])


def test_only_the_surroundings_of_the_box_change(photo: RGB) -> None:
    for seed in range(8):
        drawn, truth = composite(photo, BOX, seed)
        changed = np.argwhere((drawn != photo).any(axis=2))
        top, left = changed.min(axis=0)
        bottom, right = changed.max(axis=0)
        assert left > BOX[0] - 50
        assert top > BOX[1] - 50
        assert right < BOX[2] + 50
        assert bottom < BOX[3] + 50
        x1, y1, x2, y2 = truth.box
        middle = ((x1 + x2) / 2, (y1 + y2) / 2)
        assert abs(middle[0] - 511) < 12
        assert abs(middle[1] - 560) < 8


def test_the_shape_of_the_box_chooses_the_layout_unless_one_is_asked_for(photo: RGB) -> None:
    assert composite(photo, (400, 300, 600, 345), 1)[1].layout == "one_line"
    assert composite(photo, (400, 300, 520, 380), 1)[1].layout == "two_line"
    assert composite(photo, (400, 300, 600, 345), 1, layout="two_line")[1].layout == "two_line"


def test_a_plate_takes_the_light_of_the_photograph() -> None:
    bright = np.full((200, 400, 3), 210, np.uint8)
    bright[80:120:4, 100:300] = 60
    dark = (bright * 0.3).astype(np.uint8)
    box = (100.0, 80.0, 300.0, 120.0)
    means = [composite(p, box, 3, difficulty=0)[0][85:115, 110:290].mean() for p in (bright, dark)]
    assert means[1] < 0.6 * means[0]


@pytest.mark.parametrize("box", [(10, 10, 14, 40), (-30, 10, 60, 40), (10, 10, 60, 9999), (50, 50, 40, 40)])
def test_boxes_that_hold_no_plate_are_refused(photo: RGB, box: Box) -> None:
    with pytest.raises(ValueError, match="box"):
        composite(photo, box, 1)


def test_plates_at_the_edge_of_the_photograph_stay_inside(photo: RGB) -> None:
    for seed in range(6):
        truth = composite(photo, (1160, 680, 1280, 720), seed)[1]
        assert all(0 <= x <= 1280 and 0 <= y <= 720 for x, y in truth.corners)


def test_labels_survive_the_way_to_csv_and_back(tmp_path: Path) -> None:
    labels = [label_of(f"{n}.png", drawn) for n, drawn in enumerate(islice(sample_stream(3), 20))]
    write_labels(tmp_path / "labels.csv", labels)
    again = read_labels(tmp_path / "labels.csv")
    for written, read in zip(labels, again, strict=True):
        assert np.allclose(written.corners, read.corners, atol=0.001)
        assert written.character_height == pytest.approx(read.character_height, abs=0.001)
        for name in ("file", "text", "layout", "colour", "country", "category", "conditions"):
            assert getattr(written, name) == getattr(read, name)


def test_written_crops_are_the_samples(tmp_path: Path) -> None:
    assert write_crops(tmp_path / "made", [sample(1), sample(2)]) == 2
    first, second = read_labels(tmp_path / "made" / "labels.csv")
    assert (first.text, second.text) == (sample(1).text, sample(2).text)
    with Image.open(tmp_path / "made" / second.file) as crop:
        assert np.array_equal(np.asarray(crop), sample(2).image)


def test_a_yolo_pose_line_gives_the_truth_back(photo: RGB) -> None:
    _, truth = composite(photo, BOX, 9)
    line = yolo_pose_line(truth, 1280, 720)
    number, *shares = line.split()
    assert CLASSES[int(number)] == truth.layout
    assert len(shares) == 12
    assert np.allclose(yolo_boxes(line, 1280, 720)[0], truth.box, atol=0.01)
    corners = np.array([float(value) for value in shares[4:]]).reshape(4, 2) * (1280, 720)
    assert np.allclose(corners, truth.corners, atol=0.01)


def test_command_line_writes_plates_sheet_and_composites(
    tmp_path: Path, photo: RGB, capsys: pytest.CaptureFixture[str]
) -> None:
    crops = str(tmp_path / "crops")
    assert main(["plates", crops, "--count", "3", "--seed", "4", "--effects", "dirt=0", "rain=0.5"]) == 0
    rows = read_labels(tmp_path / "crops" / "labels.csv")
    assert len(rows) == 3
    assert all("rain" in row.conditions and "dirt" not in row.conditions for row in rows)
    assert main(["plates", str(tmp_path / "s.png"), "--count", "7", "--sheet", "--kinds", "BJ"]) == 0
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.width > 1000
    for folder in ("photos", "boxes"):
        (tmp_path / folder).mkdir()
    Image.fromarray(photo).save(tmp_path / "photos" / "a.png")
    (tmp_path / "boxes" / "a.txt").write_text("0 0.4 0.778 0.1 0.042\n0 0.1 0.1 0.002 0.002\n")
    out = tmp_path / "out"
    command = ["composites", str(tmp_path / "photos"), str(tmp_path / "boxes"), str(out), "--count", "2"]
    assert main(command) == 0
    assert "2 plates in 2 photographs" in capsys.readouterr().out
    assert len(list((out / "images").iterdir())) == len(list((out / "labels").iterdir())) == 2
    assert [row.file for row in read_labels(out / "labels.csv")] == [
        "images/000000_a.jpg", "images/000001_a.jpg"
    ]  # fmt: skip


def test_photographs_without_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(FileNotFoundError, match="labels"):
        main(["composites", str(tmp_path / "photos"), str(tmp_path), str(tmp_path / "out")])
