"""How fast, on how many threads, in how much memory: each measured in a process of its own."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recognition.cases import WORK
from benchmarks.recognition.report import Section, table
from recognition.types import RGB

FRAMES = 40
_PLATES = [("BB6232RB", "car", 0.2), ("2A9402RB", "motorcycle", 1.2)]
_KINDS = ("native", "fastanpr-rapidocr")


def speed(*, limit: int = 0) -> Iterator[tuple[str, Section]]:
    """One section."""
    path = clip()
    rows, figures = [], {}
    for threads in (1, 2):
        for kind in _KINDS:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                figures[f"{kind}, {threads}"] = one = pool.submit(
                    measured, kind, threads, path, limit
                ).result()
            if "missing" in one:
                rows.append([f"{kind}, {threads} threads", str(one["missing"])[:80], "", "", "", ""])
                continue
            rows.append([f"{kind}, {threads} thread{'s' * (threads > 1)}", f"{one['detector']:.1f}",
                         f"{one['engine']:.1f}", f"{one['tracked']:.1f}", f"{one['plate_ms']:.1f}",
                         f"{one['memory']:.0f}"])  # fmt: skip
    heads = ("engine", "detector, frames/s", "engine, frames/s", "tracker and decoding, frames/s",
             "ms a plate", "memory, MB")  # fmt: skip
    lines = [
        f"Frames of 1280 x 720 of a drawn clip with a car and a motorcycle ({limit or FRAMES} of them, "
        "medians). *ms a plate* is reading alone, plates already found. `fastanpr-rapidocr` is the product's "
        "engine `rapidocr`.",
        "",
        *table(heads, rows),
    ]
    yield "speed", Section("Throughput", lines, figures)


def clip() -> Path:
    """The drawn clip that is read, made first where it is missing."""
    from recognition.synthesis import make_clip

    path = WORK / "speed.mp4"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        make_clip(path, _PLATES, 8.0, 10, (1280, 720), seed=77)
    return path


def measured(kind: str, threads: int, clip: Path, limit: int) -> dict[str, Any]:
    """Frames a second of the detector, of the engine and with the tracker; milliseconds a plate; memory."""
    import cv2

    from benchmarks.recognition.passing import frames
    from recognition.engines import EngineError, get_engine
    from recognition.tracking import passages

    cv2.setNumThreads(threads)
    name = "native" if kind == "native" else "rapidocr"
    try:
        engine = get_engine(name, threads=threads)
    except EngineError as error:
        return {"missing": str(error)}
    engine.warm_up()
    pictures = [frame.image for frame in islice(frames(clip), 10, 10 + (limit or FRAMES))]
    detect, read = _parts(kind, threads)
    found = {
        "detector": 1000 / _median(detect, pictures),
        "engine": 1000 / _median(lambda image: engine.find(image, thorough=False), pictures),
        "plate_ms": _median(read, pictures),
    }
    started = time.perf_counter()
    list(passages(islice(frames(clip), limit or None), engine))
    spent = time.perf_counter() - started
    total = sum(1 for _ in islice(frames(clip), limit or None))
    found["tracked"] = total / spent
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def _parts(kind: str, threads: int) -> tuple[Callable[[RGB], object], Callable[[RGB], object]]:
    """Detector and reader alone; the reader reads the same part of each picture, about a plate's size."""
    if kind == "native":
        from recognition.engines.plate_reader import PlateReader, straightened
        from recognition.engines.pose_detector import PoseDetector
        from recognition.weights import network_path

        ours = PoseDetector(network_path("detector"), threads=threads)
        reader = PlateReader(network_path("reader"), threads=threads)
        place = ((560.0, 400.0), (700.0, 400.0), (700.0, 440.0), (560.0, 440.0))
        return ours.look, lambda image: reader.read([straightened(image, place)])
    from recognition.engines.detector import OnnxDetector
    from recognition.engines.rapid_reader import RapidReader
    from recognition.weights import detector_onnx

    theirs, lines = OnnxDetector(detector_onnx(), threads=threads), RapidReader(threads=threads)
    return theirs.detect, lambda image: lines.lines(np.ascontiguousarray(image[392:448, 532:728]))


def _median(work: Callable[[RGB], object], pictures: list[RGB]) -> float:
    spent = []
    for picture in pictures:
        started = time.perf_counter()
        work(picture)
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent)
