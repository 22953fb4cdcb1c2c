"""Frames of a camera: a stream or video file (PyAV), or a folder in which photos arrive.

PyAV tells refused, missing and timed-out streams apart where OpenCV only says False. Frames are converted to
RGB only when they are analysed.
"""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cameras.models import Camera
from recognition.images import ImageError, open_image
from recognition.types import Frame

logger = logging.getLogger(__name__)

OPEN_TIMEOUT = 5.0
READ_TIMEOUT = 5.0
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
FOLDER_POLL = 0.25
"""Seconds between looks into a folder of photos."""


class SourceError(Exception):
    """A source cannot be opened or read; the message says why, without its address or password."""


def frames_of(camera: Camera, *, live: bool) -> Iterator[Frame | None]:
    """Frames of the camera's source, at most `camera.fps` a second; None while nothing new is there.

    `live`: real time (a file is played at its speed, a folder is watched for ever), otherwise as fast as they
    can be read. Raises SourceError.
    """
    parts = urlsplit(camera.source)
    if parts.scheme != "file":
        yield from stream(camera.source, fps=camera.fps, live=live)
        return
    path = Path(unquote(parts.path))
    if path.is_dir():
        yield from folder(path, live=live)
        return
    while True:
        yield from stream(str(path), fps=camera.fps, live=live)
        if not (live and camera.settings.get("loop")):
            return
        resume = time.monotonic() + float(camera.settings.get("loop_pause", 0))
        while time.monotonic() < resume:
            time.sleep(FOLDER_POLL)
            yield None


def stream(url: str, *, fps: float, live: bool) -> Iterator[Frame]:
    """Frames of a network stream or a video file. Raises SourceError."""
    import av

    local = "://" not in url
    options = {} if local else {"rtsp_transport": "tcp"}
    try:
        with av.open(url, options=options, timeout=(OPEN_TIMEOUT, READ_TIMEOUT)) as container:
            yield from _decode(container, fps=fps, paced=live and local)
    except av.error.FFmpegError as error:
        raise SourceError(_reason(error)) from error
    except OSError as error:
        raise SourceError(error.strerror or type(error).__name__) from error


def _decode(container: Any, *, fps: float, paced: bool) -> Iterator[Frame]:
    """The frames wanted, with their capture time: the stream's clock added to the time of opening."""
    if not container.streams.video:
        raise SourceError("no video in this source")
    video = container.streams.video[0]
    video.thread_type = "AUTO"
    opened, started, due = datetime.now(UTC), time.monotonic(), 0.0
    for number, picture in enumerate(container.decode(video)):
        seconds = float(picture.time or 0.0)
        if seconds < due:
            continue
        due = max(due + 1 / fps, seconds)
        if paced:
            time.sleep(max(0.0, seconds - (time.monotonic() - started)))
        yield Frame(
            image=picture.to_ndarray(format="rgb24"),
            captured_at=opened + timedelta(seconds=seconds),
            number=number,
        )


def _reason(error: Exception) -> str:
    """Cause of a failure in words, without the address (it may hold a password)."""
    return str(getattr(error, "strerror", "") or type(error).__name__)


def folder(path: Path, *, live: bool) -> Iterator[Frame | None]:
    """Photos of a folder, oldest first. Live: each new one when it is complete, then moved to `done/`.

    A photo is complete when its size stood still between two looks; what cannot be read goes to `failed/`.
    """
    sizes: dict[Path, int] = {}
    number = 0
    while True:
        photos = sorted(
            (entry for entry in path.iterdir() if entry.suffix.lower() in PHOTO_SUFFIXES and entry.is_file()),
            key=lambda entry: entry.stat().st_mtime,
        )
        for photo in photos:
            size = photo.stat().st_size
            if live and sizes.get(photo) != size:
                sizes[photo] = size
                continue
            sizes.pop(photo, None)
            frame = _photo(photo, number)
            if frame:
                yield frame
                number += 1
            if live:
                _put_away(photo, "done" if frame else "failed")
        if not live:
            return
        time.sleep(FOLDER_POLL)
        yield None


def _photo(path: Path, number: int) -> Frame | None:
    try:
        image = open_image(path.read_bytes())
    except ImageError as error:
        logger.warning("photo %s refused: %s", path.name, error.code)
        return None
    return Frame(image=image, captured_at=datetime.fromtimestamp(path.stat().st_mtime, UTC), number=number)


def _put_away(photo: Path, name: str) -> None:
    target = photo.parent / name
    target.mkdir(exist_ok=True)
    photo.replace(target / photo.name)
