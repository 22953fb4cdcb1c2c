"""Frames a second of one core for decoding, with and without conversion.

By one thread; frames over seconds of CPU time, which other programs on the machine change little.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.recognition.report import table
from benchmarks.streams.clips import drawn

FRAMES = 500


def decode(limit: int) -> Sequence[str]:
    """Frames a second of one core, in processes of their own, so that memory is each one's."""
    count = limit or FRAMES
    clip = drawn("1080p.mp4", size=(1920, 1080), seconds=2.0, fps=25)
    mjpeg = _as_mjpeg(clip)
    rows = []
    for name, path, way in (
        ("H.264, every frame decoded", clip, "decoded"),
        ("H.264, six of 25 converted to RGB", clip, "some"),
        ("H.264, every frame converted to RGB", clip, "all"),
        ("H.264, key frames alone, converted", clip, "keys"),
        ("MJPEG, six of 25 decoded, as sources do", mjpeg, "photos"),
    ):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            spent, memory = pool.submit(decoding, path, way, count).result()
        rows.append([name, f"{count / spent:.0f}", f"{1000 * spent / count:.2f}", f"{memory:.0f}"])
    heads = ("1920 x 1080", "frames/s of the stream, a core", "ms of CPU a frame", "memory, MB")
    return ["## Decoding", "", *table(heads, rows)]


def decoding(clip: Path, way: str, count: int) -> tuple[float, float]:
    """Seconds of CPU for so many frames of the clip, over and over; most memory in MB."""
    import resource

    packets = _packets(clip)
    next(packets)
    started = time.process_time()
    for number, packet in enumerate(islice(packets, count)):
        _use(packet, number, way)
    spent = time.process_time() - started
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _use(packet: Any, number: int, way: str) -> None:
    from recognition.images import open_image

    wanted = number * 6 // 25 != (number + 1) * 6 // 25
    if way == "photos":
        if wanted:
            open_image(bytes(packet))
    elif way != "keys" or packet.is_keyframe:
        for picture in packet.decode():
            if way in {"all", "keys"} or (way == "some" and wanted):
                picture.to_ndarray(format="rgb24")


def _packets(clip: Path) -> Iterator[Any]:
    import av

    while True:
        with av.open(str(clip)) as container:
            video = container.streams.video[0]
            video.codec_context.thread_count = 1
            yield from (packet for packet in container.demux(video) if packet.size)


def _as_mjpeg(clip: Path) -> Path:
    import av

    path = clip.with_suffix(".mjpeg.avi")
    if not path.is_file():
        with av.open(str(clip)) as given, av.open(str(path), "w") as made:
            video = made.add_stream("mjpeg", rate=25)
            video.width, video.height, video.pix_fmt = 1920, 1080, "yuvj420p"
            video.codec_context.qmin = video.codec_context.qmax = 4
            for picture in given.decode(video=0):
                made.mux(video.encode(picture.reformat(format="yuvj420p")))
            made.mux(video.encode())
    return path
