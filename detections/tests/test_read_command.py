"""`manage.py read`: a file as if the camera had seen it."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cameras.models import Camera
from detections.models import Detection
from recognition.images import to_jpeg
from recognition.synthesis import draw_photo, make_clip

pytestmark = pytest.mark.django_db


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A drawn photo of BB6232RB."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(to_jpeg(draw_photo("BB6232RB", "car", seed=7)))
    return path


def read(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("read", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.models
def test_a_photo_is_read_stored_and_told(camera: Camera, photo: Path) -> None:
    table = read(str(photo), "--camera", camera.code)
    assert "BB6232RB" in table
    assert "created" in table
    stored = Detection.objects.get()
    assert (stored.plate_number, stored.camera, stored.source) == ("BB6232RB", camera, "command")


@pytest.mark.models
def test_json_is_a_list_of_objects_and_a_dry_run_stores_nothing(camera: Camera, photo: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(
        read(str(photo), "--camera", str(camera.pk), "--json", "--dry-run")
    )
    assert rows[0]["text"] == "BB6232RB"
    assert {"text", "confidence", "box", "layout", "candidates"} <= set(rows[0])
    assert not Detection.objects.exists()


@pytest.mark.models
def test_a_clip_gives_each_vehicle_once(camera: Camera, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    make_clip(clip, [("AN0674RB", "car", 0.5)], 7.0, seed=8)
    rows = json.loads(read(str(clip), "--camera", camera.name, "--json"))
    assert [row["text"] for row in rows] == ["AN0674RB"]
    assert Detection.objects.count() == 1


def test_what_cannot_be_read_is_said_in_one_line(camera: Camera, tmp_path: Path) -> None:
    text, broken = tmp_path / "text.jpg", tmp_path / "clip.mp4"
    text.write_text("no picture")
    broken.write_text("no clip")
    for file, name, words in (
        (text, "nowhere", "No camera"),
        (tmp_path / "missing.jpg", camera.code, "No file"),
        (text, camera.code, "text.jpg"),
        (broken, camera.code, "clip.mp4"),
    ):
        with pytest.raises(CommandError, match=words):
            read(str(file), "--camera", name)
    assert not Detection.objects.exists()
