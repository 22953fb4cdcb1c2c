"""What can go wrong with a camera, all of it at once, through the worker and with the usual options.

Each camera's state says within 30 s what is wrong with it, and each is read again within 30 s once that is
mended. The same faults by themselves: test_rtsp.py; a cut network: test_cut_network.py; a killed server and a
wrong password: test_workers_network.py.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from cameras import services, workers
from cameras.models import Camera, CameraLease, CameraStatus
from cameras.sources import Fault
from cameras.tests.rtsp import AccessUnit, RtspServer, Stream, access_units, camera_clip
from cameras.tests.test_workers_network import Nothing, ignore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

CONNECTED = ("corrupt", "half-open", "ended", "resized", "slow", "fast")
"""Cameras that begin well."""


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker to which free cameras are offered again and again, as beat does."""
    monkeypatch.setattr(workers, "stopping", threading.Event())
    monkeypatch.setattr(workers, "get_engine", lambda _name: Nothing())
    monkeypatch.setattr(workers, "_slots", threading.BoundedSemaphore(10))
    threads: list[threading.Thread] = []

    def read(pk: int) -> None:
        try:
            workers.watch(pk, ignore)
        finally:
            connection.close()

    def supervise() -> None:
        while not workers.stopping.wait(0.5):
            for pk in services.free_cameras():
                threads.append(threading.Thread(target=read, args=(pk,)))
                threads[-1].start()
        connection.close()

    supervisor = threading.Thread(target=supervise)
    supervisor.start()
    yield
    workers.stopping.set()
    supervisor.join()
    for thread in threads:
        thread.join(15)
        assert not thread.is_alive()


def states() -> dict[str, tuple[str, str]]:
    return {one.code: (one.status, one.status_reason) for one in Camera.objects.all()}


def all_come(wanted: dict[str, tuple[str, str]], seconds: float = 30) -> None:
    """Wait until each camera has been in its state once."""
    missing, until = dict(wanted), time.monotonic() + seconds
    while missing:
        now = states()
        missing = {code: state for code, state in missing.items() if now[code] != state}
        assert time.monotonic() < until, (missing, now)
        time.sleep(0.1)


def spoil(unit: AccessUnit) -> AccessUnit:
    """A picture of which the network leaves rubbish."""
    chance = random.Random(1)
    return [nal if nal[0] & 31 in {7, 8} else nal[:1] + chance.randbytes(len(nal) - 1) for nal in unit]


def frames(code: str) -> int:
    return CameraLease.objects.values_list("frames", flat=True).get(camera__code=code)


@pytest.fixture
def cameras(units: list[AccessUnit]) -> Iterator[tuple[dict[str, Stream], RtspServer]]:
    """A camera each, on servers of their own; the one whose path is not known, too."""
    lines = {code: Stream(units) for code in CONNECTED}
    lines["slow"].fps, lines["fast"].fps = 1, 60
    with ExitStack() as servers:
        found = {code: servers.enter_context(RtspServer({"live": line})) for code, line in lines.items()}
        lost = servers.enter_context(RtspServer({}))
        for code, server in found.items():
            Camera.objects.create(code=code, name=code, fps=60, rtsp_url=server.url())
        Camera.objects.create(code="lost", name="lost", rtsp_url=lost.url("live"))
        yield lines, lost


def test_every_fault_is_told_within_30_s_and_got_over_within_30_s(
    cameras: tuple[dict[str, Stream], RtspServer],
    supervised: None,
    units: list[AccessUnit],
    tmp_path: Path,
) -> None:
    lines, lost = cameras
    online = (CameraStatus.ONLINE, "")

    def error(fault: Fault) -> tuple[str, str]:
        return CameraStatus.ERROR, str(fault.label).format(seconds=20)

    all_come(dict.fromkeys(CONNECTED, online) | {"lost": error(Fault.NOT_FOUND)})
    before = {code: frames(code) for code in ("slow", "fast", "resized")}

    lines["corrupt"].sends = spoil
    lines["half-open"].silent = True
    lines["ended"].ends_after = 0
    lines["resized"].units = access_units(camera_clip(tmp_path / "large.mp4", size=(640, 360), seconds=1.0))
    all_come(
        {
            "corrupt": error(Fault.CORRUPT),
            "half-open": error(Fault.TIMEOUT),
            "ended": error(Fault.ENDED),
            "resized": online,
            "slow": online,
            "fast": online,
        }
    )
    for code, count in before.items():
        assert frames(code) > count, f"{code} is read all the time"

    lines["corrupt"].sends = lambda unit: unit
    lines["half-open"].silent = False
    lines["ended"].ends_after = 10**9
    lost.streams = {"live": Stream(units)}
    all_come(dict.fromkeys([*CONNECTED, "lost"], online))
