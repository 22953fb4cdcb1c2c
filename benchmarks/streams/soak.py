"""The product itself for ten minutes: cameras of GStreamer's RTSP server, one recognition worker, the table.

Everything runs as `make run` starts it; what is counted are the passages in the table.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.recognition.cases import WORK
from benchmarks.recognition.report import table
from benchmarks.streams.clips import drawn
from benchmarks.streams.live import PERIOD, VEHICLES, expected
from cameras.tests.rtsp import repeated
from deploy.stack import Stack

MINUTES = 10
PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).resolve().parents[2] / "cameras" / "tests" / "gstreamer_camera.py"
MAKE = """
from cameras.models import Camera
from cameras.services import create_config
for number, url in enumerate({urls}, start=1):
    create_config(Camera(name=f"{{number}}", code=f"camera-{{number}}", rtsp_url=url, fps={fps}), by=None)
"""
TICKS = os.sysconf("SC_CLK_TCK")


def soak(cameras: int, minutes: int, fps: float) -> Sequence[str]:
    """Memory by the minute, CPU, and passages beside those of a file run of the clip."""
    loops = round(minutes * 60 / PERIOD)
    clip = drawn("live.mp4", size=(1280, 720), seconds=PERIOD, fps=25, vehicles=VEHICLES)
    played = repeated(clip, WORK / "soak.mp4", loops + 4)
    once = expected(clip, PERIOD, fps)
    stack = Stack.throwaway(STREAMS_PER_WORKER=str(cameras))
    with ExitStack() as servers:
        urls = [servers.enter_context(_server(played)) for _ in range(cameras)]
        try:
            stack.start(demo=False)
            _first_among_others(stack.supervisor.pid("recognition"))
            stack.manage("shell", "--no-imports", "-c", MAKE.format(urls=urls, fps=fps))
            with closing(psycopg2.connect(stack.servers.database_url)) as database:
                database.autocommit = True
                return _watched(stack, database, cameras, loops, fps, once)
        finally:
            stack.stop()


def _first_among_others(pid: int | None) -> None:
    """Take back what `make run` gives away to pages: here others use the machine too."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.setpriority(os.PRIO_PROCESS, int(thread.name), 0)


def _watched(stack: Stack, database: Any, cameras: int, loops: int, fps: float, once: int) -> Sequence[str]:
    while _one(database, "SELECT count(*) FROM cameras_camera WHERE status = 'online'") < cameras:
        time.sleep(0.2)
    pid = stack.supervisor.pid("recognition")
    rows: list[tuple[float, float, float, float]] = []
    begun, before = time.monotonic(), (_spent(pid), _frames(database))
    spent, frames = before
    seconds = loops * PERIOD
    for second in _marks(seconds):
        time.sleep(max(0.0, begun + second - time.monotonic()))
        busy, got = _spent(pid), _frames(database)
        wall = second - (rows[-1][0] if rows else 0)
        rows.append((second, _resident(pid), 100 * (busy - spent) / wall / cameras,
                     (got - frames) / wall / cameras))  # fmt: skip
        spent, frames = busy, got
    whole = time.monotonic() - begun
    cpu = 100 * (spent - before[0]) / whole / cameras
    # The last vehicles are still on their way, and a period begins with the first passage of each camera.
    time.sleep(PERIOD / 2)
    found = _passages(database, seconds)
    shown = [[f"{s / 60:g}", f"{mb:.0f}", f"{share:.0f}", f"{rate:.2f}"] for s, mb, share, rate in rows]
    note = (
        f"{cameras} cameras of GStreamer's RTSP server (H.264, 1280 x 720, 25 frames/s, TCP), {fps:g}"
        " frames/s read, on one recognition worker; 100 % is one core. CPU and frames since the mark before."
    )
    each = [[code, str(loops), str(once * loops), str(count), str(twice)] for code, count, twice in found]
    return [
        "## One worker of the whole product", "", note, "",
        *table(("minute", "memory, MB", "CPU a stream, %", "frames/s a camera"), shown), "",
        f"CPU a stream over all: {cpu:.1f} % of a core.", "",
        *table(("camera", "times shown", "passages, file run", "passages stored", "of these twice"), each),
    ]  # fmt: skip


def _marks(seconds: float) -> list[float]:
    return [*(60.0 * minute for minute in range(1, int(seconds / 60))), seconds]


def _passages(database: Any, seconds: float) -> list[tuple[str, int, int]]:
    """By camera: passages within so many seconds from its first one; how many are a vehicle's second one."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            WITH found AS (
                SELECT code, detected_at, min(detected_at) OVER (PARTITION BY code) AS begun,
                       detected_at - lag(detected_at) OVER vehicle AS since
                FROM detections_detection JOIN cameras_camera ON cameras_camera.id = camera_id
                WINDOW vehicle AS (PARTITION BY code, plate_number ORDER BY detected_at)
            )
            SELECT code, count(*), count(*) FILTER (WHERE since < make_interval(secs => %(half)s))
            FROM found WHERE detected_at < begun + make_interval(secs => %(seconds)s)
            GROUP BY code ORDER BY code
            """,
            {"seconds": seconds - 2, "half": PERIOD / 2},
        )
        return list(cursor.fetchall())


def _one(database: Any, query: str) -> Any:
    with database.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def _frames(database: Any) -> int:
    return int(_one(database, "SELECT coalesce(sum(frames), 0) FROM cameras_cameralease"))


def _spent(pid: int | None) -> float:
    """Seconds of CPU of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident(pid: int | None) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def _server(clip: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [PYTHON, str(SERVER), port, str(clip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            if server.stdout.readline() != "ready\n":
                raise RuntimeError("no GStreamer RTSP server: sh deploy/gstreamer.sh")
            yield f"rtsp://127.0.0.1:{port}/live"
        finally:
            server.kill()
