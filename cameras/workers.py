"""Reading one camera: lease, frames, recognition, passages handed to a sink."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connection

from cameras import services
from cameras.live_picture import LivePicture
from cameras.models import Camera, CameraStatus, ModelConfig, Zone
from cameras.options import CameraSettings, CameraSettingsError
from cameras.sources import (
    Backoff,
    OnFailure,
    Pace,
    Photo,
    SourceError,
    frames_of,
    is_endless,
    reconnecting,
)
from cameras.zones import zones_of
from recognition.engines import Engine, EngineError, get_engine
from recognition.engines.observed import ObservedEngine, Observer
from recognition.tracking import passages, read_photo
from recognition.types import Frame, Passage
from recognition.zones import ZonedEngine

logger = logging.getLogger(__name__)

RENEW_EVERY = 2.0
"""Seconds between renewals of the lease; also how soon an edited or disabled camera is noticed."""

stopping = threading.Event()
"""Set when the worker process is asked to stop: streams end after the passage in hand."""

Plan: TypeAlias = tuple[object, ...]
OnPassage: TypeAlias = Callable[[Camera, Passage, uuid.UUID | None], None]

_PHOTO_EVENTS = uuid.UUID("6f1c2b0e-5a0b-5d0c-9a57-0f6d4f1d7a35")
"""Namespace of event ids of photos. Never to change: photos read before would count again."""

_slots = threading.BoundedSemaphore(settings.STREAMS_PER_WORKER)


@worker_shutting_down.connect
def _stop_streams(**_kwargs: object) -> None:
    stopping.set()


class StopReadingError(Exception):
    """The stream has to end: lease lost, camera edited or disabled, worker stopping."""


def engine_of(camera: Camera) -> Engine:
    """The engine that reads this camera, where its zones let it. Raises CameraSettingsError and EngineError.

    The camera's own model comes first, then the engine that its settings name, then the usual model, then the
    engine of the product's settings.
    """
    try:
        zones = zones_of(camera)
    except ValidationError as error:
        # Drawn past all checks: reading everywhere could store what must not be stored.
        raise CameraSettingsError(f"a zone cannot be used: {'; '.join(error.messages)}") from error
    engine = _engine_of(camera)
    return ZonedEngine(engine, zones) if zones else engine


def _engine_of(camera: Camera) -> Engine:
    options = camera.options
    if camera.model is None and options.engine:
        return get_engine(options.engine, **options.engine_parameters)
    if model := camera.model or ModelConfig.objects.usual():
        return engine_of_model(model)
    return get_engine(settings.RECOGNITION_ENGINE, **settings.RECOGNITION_ENGINE_PARAMETERS)


def engine_of_model(model: ModelConfig) -> Engine:
    """The engine that a recognition model describes. Raises EngineError."""
    weights = {"weights": model.weights_path, "weights_digest": model.weights_digest}
    return get_engine(model.engine, **model.parameters, **(weights if model.weights_path else {}))


def reads_folder(camera: Camera) -> bool:
    """True when the source is a folder of single photos rather than a moving picture."""
    parts = urlsplit(camera.source)
    return parts.scheme == "file" and Path(unquote(parts.path)).is_dir()


def read_all(camera: Camera) -> Iterator[Passage]:
    """Passages of the camera's source, read once from its start as fast as it can be.

    Raises SourceError, EngineError and CameraSettingsError.
    """
    frames = (frame for frame in frames_of(camera, live=False) if frame is not None)
    for passage, _event_id in _recognise(camera, frames):
        yield passage


def event_of(camera: Camera, photo: Photo, index: int) -> uuid.UUID:
    """Event id of a photo's plate: the same however often the photo is read, so that it counts once."""
    # Escaped, since names of files need not be text.
    key = f"{camera.pk}/{index}/{photo.modified_ns}/{photo.size}/{photo.name!a}"
    return uuid.uuid5(_PHOTO_EVENTS, key)


def watch(camera_id: int, on_passage: OnPassage) -> bool:
    """Read a camera until it ends, is edited, or the worker stops; each passage goes to `on_passage`.

    With it goes its event id, or None when it came from a moving picture, which nobody sees twice.

    False when another worker holds the camera or this one reads enough already. Never raises for a broken
    source, engine or setting: the camera's status says why, and the supervisor tries again later. What
    nobody foresaw is told by the status too, and raised.
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


def _watch(camera_id: int, holder: uuid.UUID, on_passage: OnPassage) -> None:
    camera = Camera.objects.select_related("model").get(pk=camera_id)
    plan = _plan(camera)
    live = LivePicture(camera_id)
    try:
        # Closed here rather than some day: a network source has a thread and a connection.
        with closing(_beating(camera, holder, plan)) as frames:
            for passage, event_id in _recognise(camera, live.of(frames), live):
                on_passage(camera, passage, event_id)
    except StopReadingError as stop:
        logger.info("camera %s: %s", camera_id, stop)
        return
    except (SourceError, EngineError, CameraSettingsError) as error:
        services.set_status(camera_id, CameraStatus.ERROR, str(error))
    except Exception as error:
        # Only its kind: texts of unforeseen errors may hold an address with its password.
        _tell(camera_id, f"reading broke off: {type(error).__name__}")
        raise
    else:
        services.set_status(camera_id, CameraStatus.OFFLINE, "end of the recording")
    _hold(camera, holder, plan)


def _tell(camera_id: int, reason: str) -> None:
    """Status of a crash, which must not hide the crash where it is the database that is away."""
    try:
        services.set_status(camera_id, CameraStatus.ERROR, reason)
    except (OperationalError, InterfaceError):
        logger.warning("database away: status of camera %s not told", camera_id)
        connection.close()


def _recognise(
    camera: Camera, frames: Iterator[Frame | None], *observers: Observer
) -> Iterator[tuple[Passage, uuid.UUID | None]]:
    """Passages, with the event id that a photo gives them."""
    engine = ObservedEngine(engine_of(camera), *observers)
    if not reads_folder(camera):
        for passage in passages(frames, engine):
            yield passage, None
        return
    for frame in frames:
        if frame is not None:
            found = read_photo(frame.image, frame.captured_at, engine)
            for index, passage in enumerate(found):
                yield passage, event_of(camera, frame, index) if isinstance(frame, Photo) else None


def _beating(camera: Camera, holder: uuid.UUID, plan: Plan) -> Generator[Frame | None]:
    """Frames of the camera, renewing the lease on the way. Raises StopReadingError."""
    pulse = _Pulse(camera, holder, plan)
    with closing(_live(camera, pulse.failed)) as frames:
        for frame in frames:
            pulse.beat(frame)
            yield frame


def _live(camera: Camera, on_failure: OnFailure) -> Generator[Frame | None]:
    """Frames as they come. What fails on the way to a camera that sends for ever is mended in place.

    So vehicles in view stay known: one that is seen before and after is one passage.
    """
    if not is_endless(camera):
        return frames_of(camera, live=True)
    return reconnecting(
        lambda: frames_of(camera, live=True),
        on_failure,
        backoff=Backoff(Pace(1.0, max(1.0, camera.options.retry_seconds))),
        options=camera.options.source,
    )


class _Pulse:
    """Signs of life of a camera being read: the lease renewed, and its state told."""

    def __init__(self, camera: Camera, holder: uuid.UUID, plan: Plan) -> None:
        self._camera, self._holder, self._plan = camera, holder, plan
        self._frames = 0
        self._renewed = 0.0
        #: Frames came since the source last failed.
        self._well = False

    def beat(self, frame: Frame | None) -> None:
        """Take note of a frame or a tick. Raises StopReadingError."""
        self._frames += frame is not None
        self._well = self._well or frame is not None
        if time.monotonic() - self._renewed <= RENEW_EVERY:
            return
        self._renewed = time.monotonic()
        with _database_may_be_away(self._camera):
            self._renew()

    def failed(self, error: SourceError, wait: float) -> None:
        """Tell why nothing comes now."""
        self._well = False
        logger.info("camera %s: %s; tried again in %.1f s", self._camera.pk, error.fault, wait)
        with _database_may_be_away(self._camera):
            services.set_status(self._camera.pk, CameraStatus.ERROR, str(error))

    def _renew(self) -> None:
        if stopping.is_set():
            raise StopReadingError("the worker stops")
        if not services.renew_lease(self._camera.pk, self._holder, frames=self._frames):
            raise StopReadingError("another worker has the camera")
        if not _unchanged(self._camera, self._plan):
            raise StopReadingError("the camera was edited")
        # A stream that never gave a frame may be about to fail; a folder without photos is as it should be.
        if self._well or reads_folder(self._camera):
            services.set_status(self._camera.pk, CameraStatus.ONLINE)


@contextmanager
def _database_may_be_away(camera: Camera) -> Iterator[None]:
    """While it is, nobody else can take the camera: go on reading."""
    try:
        yield
    except (OperationalError, InterfaceError):
        logger.warning("database away: lease of camera %s not renewed", camera.pk)
        connection.close()


def _plan(camera: Camera) -> Plan:
    """What decides how the camera is read: whoever changes any of it restarts its worker."""
    model = camera.model or ModelConfig.objects.usual()
    zones = Zone.objects.filter(camera=camera, is_enabled=True).order_by("pk")
    return (
        (camera.stream_url, camera.rtsp_url),
        camera.fps,
        camera.settings,
        model and (model.pk, model.revision),
        list(zones.values_list("pk", "revision")),
    )


def _unchanged(camera: Camera, plan: Plan) -> bool:
    now = Camera.objects.select_related("model").filter(pk=camera.pk, is_enabled=True).first()
    return now is not None and _plan(now) == plan


def _hold(camera: Camera, holder: uuid.UUID, plan: Plan) -> None:
    """Keep the lease for a moment, so that a dead camera is not tried in a tight loop."""
    try:
        seconds = camera.options.retry_seconds
    except CameraSettingsError:
        seconds = CameraSettings().retry_seconds
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopping.is_set():
        if not services.renew_lease(camera.pk, holder, frames=0) or not _unchanged(camera, plan):
            return
        time.sleep(0.5)
