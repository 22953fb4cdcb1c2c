"""`manage.py run_camera`: a source in the foreground."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cameras import services
from cameras.models import Camera, CameraLease
from cameras.tests.rtsp import RtspServer, Stream, access_units, camera_clip
from deploy.embedded import REPOSITORY
from detections.models import Detection, Source
from recognition.synthesis import make_clip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.models]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A motorcycle passes."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    make_clip(path, [("2A9402RB", "motorcycle", 0.5)], 8.0, seed=5)
    return path


def run(*words: str) -> str:
    """What it prints."""
    out = io.StringIO()
    call_command("run_camera", *words, stdout=out)
    return out.getvalue()


def test_a_file_is_read_to_its_end_and_nothing_is_stored(
    clip: Path, camera: Camera, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run(str(clip)).splitlines()
    assert len(lines) == 1
    assert "2A9402RB" in lines[0]
    assert "motorcycle" in lines[0]
    assert capsys.readouterr().err.splitlines()[-1].endswith("1 passages")
    assert not Detection.objects.exists()
    assert not CameraLease.objects.exists()


def test_a_file_is_stored_as_a_cameras_where_that_is_said(clip: Path, camera: Camera) -> None:
    assert "2A9402RB" in run(str(clip), "--store-as", camera.code)
    stored = Detection.objects.get()
    assert (stored.plate_number, stored.camera, stored.source) == ("2A9402RB", camera, Source.COMMAND)
    camera.refresh_from_db()
    assert (camera.stream_url, camera.rtsp_url) == ("", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "No camera, address or file"),
        (["ftp://host/live"], "No camera, address or file"),
        (["seme-krake-1", "--fps", "2"], "--fps"),
        (["seme-krake-1", "--dry-run", "--fps", "-1"], "--fps"),
        ([__file__, "--store-as", "nope"], "No camera 'nope'"),
        ([__file__], "not a video"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(camera: Camera, words: list[str], told: str) -> None:
    from django.utils.translation import override

    with override("en"), pytest.raises(CommandError, match=told):
        run(*words)


def test_a_camera_that_a_worker_reads_is_left_to_it(clip: Path, camera: Camera) -> None:
    Camera.objects.update(stream_url=clip.as_uri())
    assert services.take_lease(camera.pk)
    with pytest.raises(CommandError, match="--dry-run reads beside it"):
        run(camera.code)
    assert "2A9402RB" in run(camera.code, "--dry-run")
    assert not Detection.objects.exists()


def test_ctrl_c_stores_the_passage_in_hand_and_gives_the_camera_back(camera: Camera, tmp_path: Path) -> None:
    standing = camera_clip(
        tmp_path / "car.mp4", size=(960, 540), seconds=1.0, fps=6, vehicles=(("BB6232RB", "car", -3.5),)
    )
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    with RtspServer({"live": Stream(access_units(standing), fps=6)}) as server:
        Camera.objects.update(rtsp_url=server.url(), fps=1)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_camera", camera.code],
            cwd=REPOSITORY,
            env=os.environ | {"DATABASE_URL": database.geturl(), "MEDIA_ROOT": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 60
        while not CameraLease.objects.filter(frames__gt=0).exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out.count("BB6232RB") == 1
    assert "Traceback" not in err
    assert Detection.objects.get().source == Source.CAMERA
    assert not CameraLease.objects.exists()
