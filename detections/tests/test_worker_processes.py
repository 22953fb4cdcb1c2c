"""Real Celery workers, beat and a camera on RTSP: killed, asked to stop, edited.

Times are logged: pytest --log-cli-level INFO.
"""

import logging
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from cameras import services
from cameras.models import Camera, CameraLease, CameraStatus
from cameras.tests.rtsp import AccessUnit, RtspServer, Stream, access_units, camera_clip
from deploy.embedded import REPOSITORY
from deploy.processes import signal_group
from deploy.stack import programs
from detections.models import Detection

logger = logging.getLogger(__name__)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.stack,
    pytest.mark.models,
    pytest.mark.timeout(240),
]

STANDING = ("BB6232RB", "AN0674RB", "2A9402RB", "AB1111RB")
"""Plates of cars that stand before the camera, one after the other."""


class Crew:
    """The product's own processes, by their command lines, on the database of the tests."""

    def __init__(self, logs: Path) -> None:
        database = urlsplit(os.environ["DATABASE_URL"])
        redis = urlsplit(settings.REDIS_URL)
        self._commands = {one.name: list(one.command) for one in programs(0, 0)}
        self.environment = os.environ | {
            "DATABASE_URL": database._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
            # Its own broker: another test's messages are none of its business.
            "REDIS_URL": redis._replace(path="/7").geturl(),
            "MEDIA_ROOT": str(logs / "media"),
            "LOG_LEVEL": "INFO",
        }
        self._logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, program: str, ready: str = "ready.") -> None:
        """Start a program and wait until it is ready."""
        command = [f"{name}@%h" if word.endswith("@%h") else word for word in self._commands[program]]
        log = self._logs / f"{name}-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            self.running[name] = subprocess.Popen(
                command, cwd=REPOSITORY, env=self.environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        eventually(lambda: ready in log.read_text(), 60)

    def kill(self, name: str) -> None:
        """kill -9, with all of its children."""
        process = self.running.pop(name)
        signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def ask_to_stop(self, name: str) -> subprocess.Popen[bytes]:
        """SIGTERM, as `docker stop` and systemd send it."""
        process = self.running[name]
        process.terminate()
        return process


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """Beat and the default worker run; recognition workers are each test's own."""
    crew = Crew(tmp_path)
    try:
        crew.start("default", "default")
        crew.start("beat", "beat", ready="beat: Starting")
        yield crew
    finally:
        for name in list(crew.running):
            crew.kill(name)


@pytest.fixture(scope="module")
def cars(tmp_path_factory: pytest.TempPathFactory) -> list[list[AccessUnit]]:
    """A second of each car, to be shown again and again: it stands there and its driver does not."""
    folder = tmp_path_factory.mktemp("cars")
    return [
        access_units(
            camera_clip(
                folder / f"{plate}.mp4", size=(960, 540), seconds=1.0, fps=6, vehicles=((plate, "car", -3.5),)
            )
        )
        for plate in STANDING
    ]


@pytest.fixture
def checkpoint(camera: Camera, cars: list[list[AccessUnit]]) -> Iterator[Stream]:
    """What the camera sees; it is there to be changed."""
    stream = Stream(cars[0], fps=6)
    with RtspServer({"live": stream}) as server:
        Camera.objects.filter(pk=camera.pk).update(rtsp_url=server.url(), fps=4)
        yield stream


def eventually(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Wait for a condition; the seconds that it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + seconds, "it never came"
        time.sleep(0.05)
    return time.monotonic() - begun


def stored() -> Counter[str]:
    """Passages in the table, by plate."""
    return Counter(Detection.objects.values_list("plate_number", flat=True))


def frames() -> int:
    """Frames read under the present lease."""
    return CameraLease.objects.values_list("frames", flat=True).first() or 0


def taken_over(before: str) -> bool:
    """Whether another lease than that one is in force, under which frames have come."""
    lease = CameraLease.objects.first()
    return lease is not None and str(lease.holder) != before and lease.frames > 0


def test_a_killed_workers_camera_runs_on_the_other_within_15_s_and_no_passage_is_stored_twice(
    crew: Crew, checkpoint: Stream, cars: list[list[AccessUnit]]
) -> None:
    crew.start("first", "recognition")
    eventually(lambda: stored() == {STANDING[0]: 1}, 60)
    crew.start("second", "recognition")
    holder = str(CameraLease.objects.get().holder)

    crew.kill("first")
    seconds = eventually(lambda: taken_over(holder), 15)
    logger.info("killed -9: first frames on the other worker after %.1f s", seconds)

    # The car that stood there stands there still; the next one is a passage of its own.
    eventually(lambda: frames() >= 20)
    assert stored() == {STANDING[0]: 1}
    checkpoint.units = cars[1]
    eventually(lambda: stored() == {STANDING[0]: 1, STANDING[1]: 1})


def test_a_worker_asked_to_stop_hands_its_camera_over_at_once_and_no_passage_is_stored_twice(
    crew: Crew, checkpoint: Stream, cars: list[list[AccessUnit]]
) -> None:
    crew.start("first", "recognition")
    eventually(lambda: stored() == {STANDING[0]: 1}, 60)
    crew.start("second", "recognition")
    holder = str(CameraLease.objects.get().holder)

    # In the middle of the next car: whichever worker finishes it, one does.
    checkpoint.units = cars[1]
    begun = time.monotonic()
    leaving = crew.ask_to_stop("first")
    given_back = eventually(lambda: not CameraLease.objects.filter(holder=holder).exists(), 10)
    eventually(CameraLease.objects.exists, 10)
    taken = time.monotonic() - begun
    assert leaving.wait(20) == 0, "within its grace"
    ended = time.monotonic() - begun
    logger.info(
        "asked to stop: camera back %.1f s, taken %.1f s, process over %.1f s", given_back, taken, ended
    )
    assert taken - given_back < 3

    eventually(lambda: stored() == {STANDING[0]: 1, STANDING[1]: 1})
    count = frames()
    eventually(lambda: frames() >= count + 20)
    assert stored() == {STANDING[0]: 1, STANDING[1]: 1}


def test_an_edited_camera_restarts_within_five_seconds(
    crew: Crew, checkpoint: Stream, cars: list[list[AccessUnit]], camera: Camera
) -> None:
    crew.start("first", "recognition")
    eventually(lambda: stored() == {STANDING[0]: 1}, 60)
    with RtspServer({"new": Stream(cars[1], fps=6)}) as other:
        changes = {"rtsp_url": other.url("new")}
        services.change_config(Camera.objects.get(), changes=changes, by=None)
        seconds = eventually(lambda: other.connections > 0, 5)
        logger.info("edited: connected to the new address after %.1f s", seconds)
        eventually(lambda: stored() == {STANDING[0]: 1, STANDING[1]: 1})

        services.change_config(Camera.objects.get(), changes={"is_enabled": False}, by=None)
        eventually(lambda: not CameraLease.objects.exists(), 5)
        services.change_config(Camera.objects.get(), changes={"is_enabled": True}, by=None)
        seconds = eventually(lambda: frames() > 0 and other.connections > 1, 10)
        logger.info("switched on again: frames after %.1f s", seconds)


def test_a_worker_without_room_passes_a_camera_on_to_one_that_has_some(
    crew: Crew, checkpoint: Stream, camera: Camera
) -> None:
    crew.environment |= {"STREAMS_PER_WORKER": "1"}
    crew.start("first", "recognition")
    eventually(lambda: frames() > 0, 60)
    crew.start("second", "recognition")
    Camera.objects.create(name="other", code="other", rtsp_url=Camera.objects.get().rtsp_url, fps=1)
    eventually(lambda: Camera.objects.filter(status=CameraStatus.ONLINE).count() == 2, 10)
    assert CameraLease.objects.count() == 2
