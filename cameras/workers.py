"""Reading one camera: lease, frames, recognition, passages handed to a sink."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from cameras import services
from cameras.models import Camera, CameraStatus
from cameras.sources import SourceError, frames_of
from recognition.engines import get_engine
from recognition.tracking import passages, read_photo
from recognition.types import Frame, Passage

logger = logging.getLogger(__name__)

RENEW_EVERY = 2.0
"""Seconds between renewals of the lease; also how soon an edited or disabled camera is noticed."""

stopping = threading.Event()
"""Set when the worker process is asked to stop: streams end after the passage in hand."""

_slots = threading.BoundedSemaphore(settings.STREAMS_PER_WORKER)


@worker_shutting_down.connect
def _stop_streams(**_kwargs: object) -> None:
    stopping.set()


class StopReadingError(Exception):
    """The stream has to end: lease lost, camera edited or disabled, worker stopping."""


def engine_of(camera: Camera) -> str:
    """Name of the engine that reads this camera."""
    return str(camera.settings.get("engine") or settings.RECOGNITION_ENGINE)


def reads_folder(camera: Camera) -> bool:
    """True when the source is a folder of single photos rather than a moving picture."""
    parts = urlsplit(camera.source)
    return parts.scheme == "file" and Path(unquote(parts.path)).is_dir()


def read_all(camera: Camera) -> Iterator[Passage]:
    """Passages of the camera's source, read once from its start as fast as it can be. Raises SourceError."""
    frames = (frame for frame in frames_of(camera, live=False) if frame is not None)
    yield from _recognise(camera, frames)


def watch(camera_id: int, on_passage: Callable[[Camera, Passage], None]) -> bool:
    """Read a camera until it ends, is edited, or the worker stops; each passage goes to `on_passage`.

    False when another worker holds the camera or this one reads enough already. Never raises for a broken
    source: the camera's status says why, and the supervisor tries again later.
    """
    if stopping.is_set() or not _slots.acquire(blocking=False):
        return False
    try:
        holder = services.take_lease(camera_id)
        if holder is None:
            return False
        try:
            _watch(camera_id, holder, on_passage)
        finally:
            services.release_lease(camera_id, holder)
    finally:
        _slots.release()
    return True


def _watch(camera_id: int, holder: uuid.UUID, on_passage: Callable[[Camera, Passage], None]) -> None:
    camera = Camera.objects.get(pk=camera_id)
    try:
        for passage in _recognise(camera, _beating(camera, holder)):
            on_passage(camera, passage)
    except StopReadingError as stop:
        logger.info("camera %s: %s", camera_id, stop)
    except SourceError as error:
        services.set_status(camera_id, CameraStatus.ERROR, str(error))
        _hold(camera, holder)
    else:
        services.set_status(camera_id, CameraStatus.OFFLINE, "end of the recording")
        _hold(camera, holder)


def _recognise(camera: Camera, frames: Iterator[Frame | None]) -> Iterator[Passage]:
    engine = get_engine(engine_of(camera))
    if reads_folder(camera):
        for frame in frames:
            if frame is not None:
                yield from read_photo(frame.image, frame.captured_at, engine)
    else:
        yield from passages(frames, engine)


def _beating(camera: Camera, holder: uuid.UUID) -> Iterator[Frame | None]:
    """Frames of the camera, renewing the lease on the way. Raises StopReadingError."""
    count, renewed = 0, 0.0
    for frame in frames_of(camera, live=True):
        if time.monotonic() - renewed > RENEW_EVERY:
            renewed = time.monotonic()
            try:
                _renew(camera, holder, count)
            except (OperationalError, InterfaceError):
                # While the database is away nobody else can take the camera: go on reading.
                logger.warning("database away: lease of camera %s not renewed", camera.pk)
                connection.close()
        count += frame is not None
        yield frame


def _renew(camera: Camera, holder: uuid.UUID, frames: int) -> None:
    if stopping.is_set():
        raise StopReadingError("the worker stops")
    if not services.renew_lease(camera.pk, holder, frames=frames):
        raise StopReadingError("another worker has the camera")
    same = Camera.objects.filter(
        pk=camera.pk,
        is_enabled=True,
        stream_url=camera.stream_url,
        rtsp_url=camera.rtsp_url,
        fps=camera.fps,
        settings=camera.settings,
    )
    if not same.exists():
        raise StopReadingError("the camera was edited")
    services.set_status(camera.pk, CameraStatus.ONLINE)


def _hold(camera: Camera, holder: uuid.UUID) -> None:
    """Keep the lease for a moment, so that a dead camera is not tried in a tight loop."""
    until = time.monotonic() + float(camera.settings.get("retry_seconds", 10))
    while time.monotonic() < until and not stopping.is_set():
        if not services.renew_lease(camera.pk, holder, frames=0):
            return
        time.sleep(0.5)
