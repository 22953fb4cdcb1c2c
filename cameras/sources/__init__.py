"""Frames of a camera, a module per kind of source: RTSP, HTTP (MJPEG, snapshots), USB, video files, folders.

Frames are converted to RGB only when they are analysed. What is live never falls behind: pictures that nobody
had time for are left out, and every source gives None (a tick) at least about once a second while it has
nothing to show, so that whoever reads it can renew its lease.
"""

import time
from collections.abc import Generator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cameras.models import Camera
from cameras.options import SourceOptions
from cameras.sources import usb
from cameras.sources.backoff import Backoff, Pace
from cameras.sources.errors import Fault, SourceError
from cameras.sources.folder import FOLDER_POLL, PHOTO_SUFFIXES, Photo, folder
from cameras.sources.live import live as _live
from cameras.sources.reconnecting import OnFailure, reconnecting
from cameras.sources.recording import Recording
from cameras.sources.ways import way_of
from recognition.types import Frame

__all__ = [
    "PHOTO_SUFFIXES",
    "Backoff",
    "Fault",
    "OnFailure",
    "Pace",
    "Photo",
    "SourceError",
    "folder",
    "frames_of",
    "is_endless",
    "reconnecting",
    "stream",
]


def frames_of(camera: Camera, *, live: bool) -> Generator[Frame | None]:
    """Frames of the camera's source, at most `camera.fps` a second; None while nothing new is there.

    `live`: real time (a file is played at its speed, a folder is watched for ever), otherwise as fast as they
    can be read. Raises SourceError, and CameraSettingsError for unusable settings.
    """
    settings, parts = camera.options, urlsplit(camera.source)
    if parts.scheme != "file":
        yield from stream(camera.source, fps=camera.fps, live=live, options=settings.source)
        return
    path = Path(unquote(parts.path))
    if path.is_dir():
        yield from folder(path, live=live)
        return
    while True:
        yield from stream(str(path), fps=camera.fps, live=live, options=settings.source)
        if not (live and settings.loop):
            return
        resume = time.monotonic() + settings.loop_pause
        yield None
        while time.monotonic() < resume:
            time.sleep(FOLDER_POLL)
            yield None


def is_endless(camera: Camera) -> bool:
    """True for a camera that sends for ever: when it ends, something is wrong, and it will be back."""
    parts = urlsplit(camera.source)
    return parts.scheme != "file" or usb.is_device(Path(unquote(parts.path)))


def stream(
    address: str, *, fps: float, live: bool, options: SourceOptions | None = None
) -> Generator[Frame | None]:
    """Frames of an address, a device or a video file. Raises SourceError.

    Addresses and devices are live whether asked for or not: their frames carry the time of their capture, and
    those that come while the consumer is busy are left out. Asked for `live`, they may not end.
    """
    options = options or SourceOptions()
    if "://" in address or usb.is_device(Path(address)):
        return _live(way_of(address, options), fps, options, endless=live)
    return Recording(Path(address), fps, options, live=live).frames()
