"""Reading one camera: lease, frames, recognition, passages handed to a sink."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from cameras import services
from cameras.gauging import Gauge
from cameras.live_picture import LivePicture
from cameras.models import Camera, CameraStatus, ModelConfig
from cameras.options import CameraSettings, CameraSettingsError
from cameras.plans import Plan, is_current, plan_of
from cameras.sources import (
    Backoff,
    Fault,
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
from recognition.expecting import ExpectingEngine
from recognition.lanes import Lanes
from recognition.stays import Stay
from recognition.tracking import Known, TrackingRules, passages, read_photo
from recognition.types import Frame, Passage
from recognition.zones import ZonedEngine, Zones

logger = logging.getLogger(__name__)

RENEW_EVERY = 2.0
"""Seconds between renewals of the lease; also how soon an edited or disabled camera is noticed."""

stopping = threading.Event()
"""Set when the worker process is asked to stop: streams end after the passage in hand."""

PATIENCE = TrackingRules().quiet
"""Seconds for which a camera that fails keeps its place: as long as vehicles in view are remembered."""

OnStay: TypeAlias = Callable[[Camera, Stay], None]
OnPassage: TypeAlias = Callable[[Camera, Passage, uuid.UUID | None], None]
Knowing: TypeAlias = Callable[[Camera], Known]
Found: TypeAlias = Iterator[tuple[Passage, uuid.UUID | None]]
Recognising: TypeAlias = Callable[..., Found]

_PHOTO_EVENTS = uuid.UUID("6f1c2b0e-5a0b-5d0c-9a57-0f6d4f1d7a35")
"""Namespace of event ids of photos. Never to change: photos read before would count again."""

_slots = threading.BoundedSemaphore(settings.STREAMS_PER_WORKER)


def _nothing(_camera: Camera) -> Known:
    return {}


@worker_shutting_down.connect
def _stop_streams(**_kwargs: object) -> None:
    stopping.set()


class NoRoomError(Exception):
    """This worker reads as many cameras as it may, or is about to stop."""


class StopReadingError(Exception):
    """The stream has to end: lease lost, worker stopping."""


class EditedError(Exception):
    """The camera, its zones or its model were edited: it has to be read anew."""


class AwayError(Exception):
    """The camera is dead for longer than vehicles in view are remembered: its place is for another."""

    def __init__(self, rest: float) -> None:
        """`rest`: seconds for which it is to be left alone."""
        super().__init__(f"tried again in {rest:.0f} s")
        self.rest = rest


def engine_of(camera: Camera, *, zoned: bool = True) -> Engine:
    """The engine that reads this camera, where its zones let it. Raises CameraSettingsError and EngineError.

    Not `zoned` it reads everywhere: for pictures that do not show what the zones were drawn in.

    The camera's own model comes first, then the engine that its settings name, then the usual model, then the
    engine of the product's settings.
    """
    try:
        zones = zones_of(camera) if zoned else Zones()
    except ValidationError as error:
        # Drawn past all checks: reading everywhere could store what must not be stored.
        why = "; ".join(error.messages)
        raise CameraSettingsError(_("A zone cannot be used: %(why)s") % {"why": why}) from error
    engine = _engine_of(camera)
    if camera.plate_formats:
        engine = ExpectingEngine(engine, camera.plate_formats)
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


def read_now(
    camera: Camera, on_failure: OnFailure, *, observers: Sequence[Observer] = ()
) -> Generator[Passage]:
    """Passages of a source that may be no stored camera, until it ends or `stopping` is set.

    What sends for ever is read as it comes, and again after each failure; what is recorded, as fast as it can
    be. Raises SourceError, EngineError and CameraSettingsError.
    """

    def frames() -> Iterator[Frame | None]:
        endless = is_endless(camera)
        backoff = Backoff(Pace(1.0, max(1.0, camera.options.retry_seconds)))
        source = _live(camera, on_failure, backoff) if endless else frames_of(camera, live=False)
        with closing(source):
            for frame in source:
                # A recording is no sign of the present: its clock is its own.
                if frame is not None or endless:
                    yield frame
                if stopping.is_set():
                    return

    for passage, _event_id in _recognise(camera, frames(), observers=observers):
        yield passage


def event_of(camera: Camera, photo: Photo, index: int) -> uuid.UUID:
    """Event id of a photo's plate: the same however often the photo is read, so that it counts once."""
    # Escaped, since names of files need not be text.
    key = f"{camera.pk}/{index}/{photo.modified_ns}/{photo.size}/{photo.name!a}"
    return uuid.uuid5(_PHOTO_EVENTS, key)


def watch(
    camera_id: int,
    on_passage: OnPassage,
    on_stay: OnStay | None = None,
    *,
    known: Knowing = _nothing,
    observers: Sequence[Observer] = (),
) -> bool:
    """Read a camera until it ends, stays away, or the worker stops; each passage goes to `on_passage`.

    With it goes its event id, or None when it came from a moving picture, which nobody sees twice. An edited
    camera is read anew. `on_stay` hears of vehicles that stand in a parking zone, `observers` of each picture
    read. `known` tells the passages that were stored before reading begins.

    False when another worker holds the camera. Raises NoRoomError; never anything for a broken source, engine
    or setting: the camera's status says why, and the supervisor offers it again later. What nobody foresaw is
    told by the status too, and raised.
    """
    if stopping.is_set() or not _slots.acquire(blocking=False):
        raise NoRoomError
    try:
        holder = services.take_lease(camera_id)
        if holder is None:
            return False
        services.doubt_status(camera_id)
        rest = 0.0
        try:
            read = partial(_recognise, on_stay=on_stay, known=known)
            rest = _watch(camera_id, holder, on_passage, read, observers)
        finally:
            services.release_lease(camera_id, holder, rest=rest)
    finally:
        _slots.release()
    return True


def _watch(
    camera_id: int,
    holder: uuid.UUID,
    on_passage: OnPassage,
    read: Recognising,
    observers: Sequence[Observer],
) -> float:
    """Read the camera, again after each edit; the seconds for which nobody is to try it afterwards."""
    live = LivePicture(camera_id)
    while camera := Camera.objects.to_read().select_related("model").filter(pk=camera_id).first():
        plan = plan_of(camera)
        try:
            gauge = Gauge(camera_id, camera.fps if is_endless(camera) else None)
            # Closed here rather than some day: a network source has a thread and a connection.
            with closing(_beating(camera, holder, plan, gauge)) as frames:
                watched = (gauge.read, live, *observers)
                for passage, event_id in read(camera, live.of(frames), observers=watched):
                    on_passage(camera, passage, event_id)
        except EditedError:
            logger.info("camera %s was edited", camera_id)
            continue
        except StopReadingError as stop:
            logger.info("camera %s: %s", camera_id, stop)
            return 0.0
        except AwayError as away:
            logger.info("camera %s given back: %s", camera_id, away)
            # What was edited meanwhile may have mended it.
            return away.rest if is_current(camera, plan) else 0.0
        except (SourceError, EngineError, CameraSettingsError) as error:
            services.set_status(camera_id, CameraStatus.ERROR, str(error))
        except Exception as error:
            # Only its kind: texts of unforeseen errors may hold an address with its password.
            _tell(camera_id, _("Reading broke off: %(kind)s.") % {"kind": type(error).__name__})
            raise
        else:
            services.set_status(camera_id, CameraStatus.OFFLINE, _("The recording has ended."))
        return _retry_seconds(camera) if is_current(camera, plan) else 0.0
    return 0.0


def _retry_seconds(camera: Camera) -> float:
    try:
        return camera.options.retry_seconds
    except CameraSettingsError:
        return CameraSettings().retry_seconds


def _tell(camera_id: int, reason: str) -> None:
    """Status of a crash, which must not hide the crash where it is the database that is away."""
    try:
        services.set_status(camera_id, CameraStatus.ERROR, reason)
    except (OperationalError, InterfaceError):
        logger.warning("database away: status of camera %s not told", camera_id)
        connection.close()


def _recognise(
    camera: Camera,
    frames: Iterator[Frame | None],
    *,
    on_stay: OnStay | None = None,
    known: Knowing = _nothing,
    observers: Sequence[Observer] = (),
) -> Found:
    """Passages, with the event id that a photo gives them; vehicles of `known` ones may be in view."""
    engine = ObservedEngine(engine_of(camera), *observers)
    if not reads_folder(camera):
        tell = partial(on_stay, camera) if on_stay else None
        lanes, zones = Lanes(dividers=camera.options.lane_lines), zones_of(camera)
        for passage in passages(frames, engine, lanes=lanes, zones=zones, on_stay=tell, known=known(camera)):
            yield passage, None
        return
    for frame in frames:
        if frame is not None:
            found = read_photo(frame.image, frame.captured_at, engine)
            for index, passage in enumerate(found):
                yield passage, event_of(camera, frame, index) if isinstance(frame, Photo) else None


def _beating(camera: Camera, holder: uuid.UUID, plan: Plan, gauge: Gauge) -> Generator[Frame | None]:
    """Frames of the camera, renewing the lease and taking figures on the way.

    Raises StopReadingError, EditedError and AwayError.
    """
    pulse = _Pulse(camera, holder, plan)

    def failed(error: SourceError, wait: float) -> None:
        gauge.failed(error)
        pulse.failed(error, wait)

    try:
        with closing(_live(camera, failed, pulse.backoff)) as frames:
            for frame in frames:
                pulse.beat(frame)
                gauge.beat(frame)
                yield frame
    except SourceError as error:
        gauge.failed(error)
        raise
    finally:
        gauge.stop()


def _live(camera: Camera, on_failure: OnFailure, backoff: Backoff) -> Generator[Frame | None]:
    """Frames as they come. What fails on the way to a camera that sends for ever is mended in place.

    So vehicles in view stay known: one that is seen before and after is one passage.
    """
    if not is_endless(camera):
        return frames_of(camera, live=True)
    return reconnecting(
        lambda: frames_of(camera, live=True),
        on_failure,
        backoff=backoff,
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
        #: When the last frame came; before the first one, how long the camera has been told to be dead.
        self._seen = time.monotonic() - _dead_for(camera)
        self.backoff = Backoff(Pace(1.0, max(1.0, camera.options.retry_seconds)))

    def beat(self, frame: Frame | None) -> None:
        """Take note of a frame or a tick. Raises StopReadingError and EditedError."""
        if stopping.is_set():
            raise StopReadingError("the worker stops")
        if frame is not None:
            self._frames += 1
            self._well, self._seen = True, time.monotonic()
        if time.monotonic() - self._renewed <= RENEW_EVERY:
            return
        self._renewed = time.monotonic()
        with _database_may_be_away(self._camera):
            self._renew()

    def failed(self, error: SourceError, wait: float) -> None:
        """Tell why nothing comes now. Raises AwayError."""
        self._well = False
        logger.info("camera %s: %s; tried again in %.1f s", self._camera.pk, error.fault, wait)
        with _database_may_be_away(self._camera):
            services.set_status(self._camera.pk, CameraStatus.ERROR, str(error))
        dead = time.monotonic() - self._seen
        # Whoever took over a frozen picture would find out anew that it is frozen, and read it meanwhile.
        if dead + wait > PATIENCE and error.fault is not Fault.FROZEN:
            raise AwayError(max(wait, self.backoff.rest(error.fault, dead=dead)))

    def _renew(self) -> None:
        if not services.renew_lease(self._camera.pk, self._holder, frames=self._frames):
            raise StopReadingError("another worker has the camera")
        if not is_current(self._camera, self._plan):
            raise EditedError
        # A stream that never gave a frame may be about to fail; a folder without photos is as it should be.
        if self._well or reads_folder(self._camera):
            services.set_status(self._camera.pk, CameraStatus.ONLINE)


def _dead_for(camera: Camera) -> float:
    """Seconds since the camera was found dead by whoever tried it before; 0 where it was not."""
    if camera.status != CameraStatus.ERROR or camera.status_since is None:
        return 0.0
    # Clocks of two machines may differ.
    return max(0.0, (timezone.now() - camera.status_since).total_seconds())


@contextmanager
def _database_may_be_away(camera: Camera) -> Iterator[None]:
    """While it is, nobody else can take the camera: go on reading."""
    try:
        yield
    except (OperationalError, InterfaceError):
        logger.warning("database away: lease of camera %s not renewed", camera.pk)
        connection.close()
