"""Drawn clips as cameras encode them."""

from pathlib import Path
from typing import Any

from benchmarks.recognition.cases import WORK
from cameras.tests.rtsp import camera_clip


def drawn(name: str, **drawing: Any) -> Path:
    """A drawn clip as cameras encode, kept from run to run."""
    path = WORK / name
    if not path.is_file():
        part = path.with_name(f"part-{name}")
        camera_clip(part, **drawing).rename(path)
    return path
