"""`manage.py check_cameras`: cameras that answer, cameras that do not, and nothing of their passwords."""

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cameras.models import Camera
from cameras.sources import Fault
from cameras.tests.rtsp import AccessUnit, RtspServer, Stream
from conftest import picture

pytestmark = pytest.mark.django_db(transaction=True)


def check(*words: str) -> tuple[str, str]:
    """What the command says, and its last word when it fails."""
    out = io.StringIO()
    try:
        call_command("check_cameras", *words, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def make(code: str, **fields: Any) -> Camera:
    return Camera.objects.create(code=code, name=code, **fields)


def test_each_camera_is_told_with_its_picture_or_its_fault_and_never_its_address(
    units: list[AccessUnit], road: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(picture())
    with RtspServer({"live": Stream(units)}, password="officer:hunter2") as server:
        make("right", rtsp_url=server.url(user="officer:hunter2"))
        make("wrong", rtsp_url=server.url(user="officer:hunter3"))
        make("path", rtsp_url=server.url("nowhere", user="officer:hunter2"))
        make("gone", rtsp_url="rtsp://officer:hunter2@127.0.0.1:9/live")
        make("file", stream_url=road.as_uri())
        make("photos", stream_url=tmp_path.as_uri())
        make("off", rtsp_url="rtsp://127.0.0.1:9/live", is_enabled=False)
        text, failed = check("--json")
    found = {one["code"]: one for one in json.loads(text)}
    assert failed.startswith("3 of 6 cameras")
    assert {code: one["fault"] for code, one in found.items()} == {
        "right": "", "wrong": Fault.PASSWORD, "path": Fault.NOT_FOUND, "gone": Fault.REFUSED, "file": "",
        "photos": "",
    }  # fmt: skip
    assert (found["right"]["width"], found["right"]["height"]) == (320, 180)
    assert 0 < found["right"]["seconds"] < 10
    assert found["wrong"]["words"] == str(Fault.PASSWORD.label)
    assert "hunter" not in text + failed
    assert "127.0.0.1" not in text + failed
    assert (tmp_path / "a.jpg").exists(), "looking at a folder reads none of its photos"


def test_cameras_are_connected_to_side_by_side_but_no_more_than_said() -> None:
    with RtspServer({}, deaf=True) as server:
        for number in range(4):
            make(f"deaf-{number}", rtsp_url=server.url(f"{number}"), settings={"source": {"connect": 1}})
        begun = time.monotonic()
        text, failed = check()
        together = time.monotonic() - begun
        begun = time.monotonic()
        check("--at-once", "2")
        by_twos = time.monotonic() - begun
    assert failed == "4 of 4 cameras gave no picture."
    assert text.count(str(Fault.TIMEOUT.label)) == 4
    assert by_twos > together + 0.5


def test_only_those_named_are_tried_and_an_unknown_name_is_said(road: Path) -> None:
    make("file", stream_url=road.as_uri())
    make("gone", rtsp_url="rtsp://127.0.0.1:9/live")
    text, failed = check("file")
    assert failed == ""
    assert "320 x 180" in text
    assert check("file", "nope") == ("", "No camera nope.")
