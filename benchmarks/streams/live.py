"""Cameras on RTSP read by threads of one process, as a worker reads them.

The server is the tests' own, in a process of its own.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.recognition.report import table
from benchmarks.streams.clips import drawn
from recognition.engines import get_engine

SECONDS, FPS = 90.0, 6.0
#: Longer than the time for which a plate seen again is the same passage.
PERIOD = 30.0
VEHICLES = (("BB6232RB", "car", 0.5), ("2A9402RB", "motorcycle", 4.0), ("AN0674RB", "car", 8.0))


def live(cameras: int, limit: int) -> Sequence[str]:
    """Cameras side by side: without an engine, with the usual one, and more than the machine can read."""
    # So many showings of the clip as a whole: all vehicles are gone when the last one is left.
    seconds = max(1, round((limit or SECONDS) / PERIOD)) * PERIOD - 3
    clip = drawn("live.mp4", size=(1280, 720), seconds=PERIOD, fps=25, vehicles=VEHICLES)
    asked = [("sources alone", cameras, False)]
    asked += [("with the engine", cameras * times, True) for times in (1, 2, 4)]
    rows = [_watched(name, clip, count, seconds, read=read) for name, count, read in asked]
    heads = ("", "cameras", "minutes", "frames/s each", "CPU a stream, %", "memory at first, MB",
             "at the end, MB", "passages, file run", "passages, live",
             "age of a frame, median, s", "95 %", "most")  # fmt: skip
    note = (
        f"1280 x 720, 25 frames/s, {FPS:g} analysed; 100 % is one core. Server not counted. Age: from the"
        " capture of a frame until the engine has it, after the first third of the time."
    )
    return ["## Live streams", "", note, "", *table(heads, rows)]


def _watched(name: str, clip: Path, cameras: int, seconds: float, *, read: bool) -> list[str]:
    texts: list[Counter[str]] = [Counter() for _ in range(cameras)]
    frames = [0] * cameras
    ages: list[float] = []
    if read:
        # Loaded before time is taken, or the first vehicles pass meanwhile.
        get_engine("native", threads=1).warm_up()
    with _server(clip) as url:
        over = threading.Event()
        threads = [
            threading.Thread(target=_watch, args=(url.format(n), over, read, texts[n], frames, n, ages))
            for n in range(cameras)
        ]
        for thread in threads:
            thread.start()
        # Networks are loaded and pools filled first.
        warming = min(20.0, seconds / 5)
        over.wait(warming)
        first, busy, begun = _resident(), time.process_time(), time.monotonic()
        shown = list(frames)
        over.wait(seconds - warming)
        spent, wall, last = time.process_time() - busy, time.monotonic() - begun, _resident()
        rate, old = sum(frames) - sum(shown), sorted(ages[len(ages) // 3 :])
        over.set()
        for thread in threads:
            thread.join()
    wanted = str(expected(clip, seconds, FPS) * cameras) if read else ""
    return [name, str(cameras), f"{wall / 60:.1f}", f"{rate / wall / cameras:.2f}",
            f"{100 * spent / wall / cameras:.0f}", f"{first:.0f}", f"{last:.0f}", wanted,
            str(sum(map(Counter.total, texts))) if read else "",
            *(f"{old[int(share * (len(old) - 1))]:.2f}" for share in (0.5, 0.95, 1.0))]  # fmt: skip


def _watch(
    url: str,
    over: threading.Event,
    read: bool,
    texts: Counter[str],
    frames: list[int],
    camera: int,
    ages: list[float],
) -> None:
    """Read one camera until it is `over`; what was seen is counted in `texts` and `frames[camera]`."""
    from cameras.sources import stream
    from recognition.tracking import passages
    from recognition.types import Frame

    def until_over() -> Iterator[Frame | None]:
        with closing(stream(url, fps=FPS, live=True)) as given:
            for frame in given:
                if frame is not None:
                    frames[camera] += 1
                    ages.append((datetime.now(UTC) - frame.captured_at).total_seconds())
                yield frame
                if over.is_set():
                    return

    if not read:
        for _ in until_over():
            pass
        return
    for passage in passages(until_over(), get_engine("native", threads=1)):
        texts[passage.read.text] += 1


def expected(clip: Path, seconds: float, fps: float) -> int:
    """Passages in a file run of the clip, as often as it was shown as a whole."""
    from cameras.sources import stream
    from recognition.tracking import passages

    frames = (frame for frame in stream(str(clip), fps=fps, live=False) if frame)
    once = sum(1 for _ in passages(frames, get_engine("native", threads=1)))
    return once * round(seconds / PERIOD)


@contextmanager
def _server(clip: Path) -> Iterator[str]:
    """Its address, to be filled with a user's name: each camera has its own, as in the field."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "cameras.tests.rtsp", "127.0.0.1", port, str(clip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            yield f"rtsp://{{}}@127.0.0.1:{port}/live"
        finally:
            server.kill()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
