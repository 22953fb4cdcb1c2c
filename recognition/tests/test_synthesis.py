"""Drawn pictures repeat, show what they claim, and are read exactly, in photos and in a clip."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from recognition.engines import Engine
from recognition.images import inspect_image
from recognition.synthesis import KINDS, draw_photo, draw_plate, make_clip
from recognition.synthesis.__main__ import main, usual_kind, vehicle_from
from recognition.synthesis.camera import Camera, perspective_coefficients
from recognition.tracking import passages
from recognition.types import Frame

VEHICLES = [
    ("BB6232RB", "car", 0.0),
    ("2A9402RB", "motorcycle", 2.5),
    ("AN0674RB", "taxi", 6.0),
    ("7C3815RB", "motorcycle", 9.0),
]


def frames_of(path: Path, fps: int) -> Iterator[Frame]:
    import av

    start = datetime(2025, 6, 1, tzinfo=UTC)
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            yield Frame(frame.to_ndarray(format="rgb24"), start + timedelta(seconds=number / fps), number)


def test_the_same_seed_draws_the_same_pixels() -> None:
    first, again, other = (draw_photo("BB6232RB", "car", seed, size=(640, 360)) for seed in (5, 5, 6))
    assert first.shape == (360, 640, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_differently(kind: str) -> None:
    drawn = draw_photo("AB1234RB", kind, 5, size=(640, 360))
    assert drawn.dtype == np.uint8
    assert drawn.std() > 20


def test_a_plate_shows_its_mark_whether_given_or_not() -> None:
    assert draw_plate("BB6232").tobytes() == draw_plate("bb 6232 rb").tobytes()
    assert draw_plate("BB6232").size == (1040, 220)
    assert draw_plate("2A9402").size == (480, 320)
    assert draw_plate("BB6232", two_lines=True).size == (480, 320)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        draw_plate("BB6232", colour="pink")
    with pytest.raises(ValueError, match="letter or digit"):
        draw_plate("--")
    with pytest.raises(ValueError, match="kind"):
        draw_photo("BB6232", "boat")


def test_perspective_coefficients_map_the_corners() -> None:
    target = ((10.0, 5.0), (90.0, 12.0), (88.0, 60.0), (8.0, 70.0))
    a, b, c, d, e, f, g, h = perspective_coefficients(target, 40, 20)
    for (u, v), (x, y) in zip(target, ((0, 0), (40, 0), (40, 20), (0, 20)), strict=True):
        w = g * u + h * v + 1
        assert ((a * u + b * v + c) / w, (d * u + e * v + f) / w) == pytest.approx((x, y), abs=1e-6)


def test_nearer_things_are_larger_and_lower() -> None:
    camera = Camera()
    assert camera.scale(5) > camera.scale(10)
    assert camera.project(0, 0, 5)[1] > camera.project(0, 0, 10)[1] > camera.horizon


def test_a_clip_repeats_and_knows_its_truth(tmp_path: Path) -> None:
    vehicles = [("BB6232RB", "car", -4.0), ("2A9402RB", "motorcycle", 0.0)]
    truths = [make_clip(tmp_path / f"{i}.mp4", vehicles, 1, size=(640, 360), seed=2) for i in range(2)]
    first, again = (list(frames_of(tmp_path / f"{i}.mp4", 12)) for i in range(2))
    assert truths[0] == truths[1]
    assert len(first) == 12
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    assert [t.direction for t in truths[0]] == ["approaching", "leaving"]
    assert truths[0][0].boxes


@pytest.mark.models
def test_every_vehicle_of_a_clip_is_one_exact_passage(tmp_path: Path, engine: Engine) -> None:
    truth = make_clip(tmp_path / "clip.mp4", VEHICLES, 13, seed=5)
    found = list(passages(frames_of(tmp_path / "clip.mp4", 12), engine))
    assert sorted(p.read.text for p in found) == sorted(t.plate for t in truth)
    for passage in found:
        (shown,) = [t for t in truth if t.plate == passage.read.text]
        assert passage.direction in {shown.direction, ""}
        assert passage.vehicle_type == ("motorcycle" if shown.kind == "motorcycle" else "car")


def test_command_line_draws_plate_photo_and_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plate", str(tmp_path / "p.png"), "AN0674RB", "--colour", "orange"]) == 0
    assert main(["photo", str(tmp_path / "p.jpg"), "2A9402RB"]) == 0
    assert main(["clip", str(tmp_path / "c.mp4"), "--plates", "BB6232RB:taxi:-5", "--seconds", "0.5"]) == 0
    assert inspect_image((tmp_path / "p.jpg").read_bytes()) == ("JPEG", 1280, 720)
    assert (tmp_path / "c.mp4").stat().st_size > 1000
    assert "BB6232RB taxi approaching" in capsys.readouterr().out


def test_vehicles_on_the_command_line() -> None:
    assert vehicle_from("BB6232RB", 2) == ("BB6232RB", "car", 7.5)
    assert vehicle_from("BB6232RB:state:3", 2) == ("BB6232RB", "state", 3.0)
    assert usual_kind("2A9402RB") == "motorcycle"
