"""What happens to pictures that are none, or too large, or of another kind."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.recognition.contenders import UnavailableError
from benchmarks.recognition.report import Section, table
from recognition.engines import EngineError, get_engine
from recognition.images import ImageError, open_image
from recognition.synthesis import draw_photo

_PLATE = "BB6232RB"


def bad_input(engine_name: str = "native") -> Iterator[tuple[str, Section]]:
    """One section: every input, and what the engine made of it. Raises UnavailableError."""
    try:
        engine = get_engine(engine_name, threads=1)
    except EngineError as error:
        raise UnavailableError(str(error)) from error
    rows = []
    for name, make in _inputs().items():
        given = make()
        started = time.perf_counter()
        try:
            picture = open_image(given) if isinstance(given, bytes) else given
            texts = [read.text for read in engine.find(picture)]
            outcome = f"result: {', '.join(texts) or 'no plate'}"
        except ImageError as error:
            outcome = f"error `{error.code}`: {error.message}"
        except Exception as error:  # noqa: BLE001 - anything else is what this table is to show
            outcome = f"UNEXPECTED {type(error).__name__}: {error}"[:160]
        rows.append([name, outcome.replace("|", "/"), f"{(time.perf_counter() - started) * 1000:.0f}"])
    lines = table(("input", "outcome", "ms"), rows)
    yield "bad-input", Section(f"Bad input ({engine_name})", lines, {row[0]: row[1] for row in rows})


def _inputs() -> dict[str, Callable[[], Any]]:
    photo = draw_photo(_PLATE, seed=5)
    image = Image.fromarray(photo)
    jpeg = _coded(image, "JPEG")
    sixteen = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    alpha = image.convert("RGBA")
    alpha.putalpha(200)
    return {
        "a good photograph": lambda: jpeg,
        "empty file": lambda: b"",
        "no picture (text)": lambda: b"this is not a picture" * 20,
        "cut off in the middle": lambda: jpeg[: len(jpeg) // 2],
        "damaged inside": lambda: jpeg[:4000] + bytes(len(jpeg) // 4) + jpeg[4000 + len(jpeg) // 4 :],
        "1 x 1": lambda: _coded(Image.new("RGB", (1, 1)), "PNG"),
        "16 x 16": lambda: _coded(Image.new("RGB", (16, 16)), "PNG"),
        "16 x 4000": lambda: _coded(Image.new("RGB", (4000, 16)), "PNG"),
        "20,000 x 20,000": lambda: _coded(Image.new("1", (20_000, 20_000)), "PNG"),
        "16 bits grey": lambda: _coded(sixteen, "PNG"),
        "CMYK": lambda: _coded(image.convert("CMYK"), "JPEG"),
        "alpha": lambda: _coded(alpha, "PNG"),
        "palette": lambda: _coded(image.convert("P"), "PNG"),
        "1 bit": lambda: _coded(image.convert("1"), "PNG"),
        "array of NaN": lambda: np.full((240, 320, 3), np.nan, np.float32),
        "array of 16 bits": lambda: photo.astype(np.uint16) * 257,
        "array with alpha": lambda: np.dstack([photo, photo[:, :, :1]]),
        "array without colours": lambda: photo[:, :, 0],
        "empty array": lambda: np.zeros((0, 0, 3), np.uint8),
        "array of 1 x 1": lambda: np.zeros((1, 1, 3), np.uint8),
        "array seen backwards": lambda: photo[::-1, ::-1],
        "all black": lambda: np.zeros((720, 1280, 3), np.uint8),
        "random noise": lambda: np.random.default_rng(1).integers(0, 256, (720, 1280, 3), dtype=np.uint8),
    }


def _coded(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind)
    return out.getvalue()
