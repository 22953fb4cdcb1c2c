"""How cameras are, as far as their workers know; what passages tell is added by `detections.camera_health`.

Pages, API, `/metrics` and incidents all ask here, so that they say the same.
"""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, TextChoices
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cameras import incidents, samples
from cameras.models import Camera, CameraLease, CameraSample, CameraStatus

ENOUGH = 10.0
"""Seconds of pictures below which no pace can be told."""


class State(TextChoices):
    """How a camera is now. Worst first."""

    ERROR = "error", _("Error")
    OFFLINE = "offline", _("Offline")
    ONLINE = "online", _("Online")
    SENDER = "sender", _("Sends by itself")
    OFF = "off", _("Switched off")


@dataclass(frozen=True, slots=True)
class Vitals:
    """A camera now: its state, since when and why, and the means of its last minute (None: not known).

    Frames a second: `fps_asked`, `fps_captured` (what the camera sends) and `fps_reached` (what was read).
    `decode_seconds` and `read_seconds` of a frame; `delay_seconds`, the age of a frame when its reading
    begins; `clock_ahead`, seconds by which the camera's clock is ahead of ours.
    """

    camera: Camera
    state: State
    since: datetime | None
    reason: str
    last_frame_at: datetime | None = None
    fps_asked: float | None = None
    fps_captured: float | None = None
    fps_reached: float | None = None
    decode_seconds: float | None = None
    read_seconds: float | None = None
    delay_seconds: float | None = None
    clock_ahead: float | None = None

    @property
    def decode_ms(self) -> float | None:
        """For people."""
        return None if self.decode_seconds is None else 1000 * self.decode_seconds

    @property
    def read_ms(self) -> float | None:
        """For people."""
        return None if self.read_seconds is None else 1000 * self.read_seconds


def is_read_here(camera: Camera) -> bool:
    """True when the camera has a source that our workers read; others send by themselves."""
    return bool(camera.rtsp_url or camera.stream_url)


def vitals_of(cameras: Collection[Camera], *, now: datetime) -> dict[int, Vitals]:
    """How these cameras are, by their number. Two queries, however many there are."""
    ids = [camera.pk for camera in cameras]
    # By the clock of the database, as leases are.
    annotated = CameraLease.objects.filter(camera_id__in=ids).annotate(alive=Q(expires_at__gte=Now()))
    leases = {lease.camera_id: lease for lease in annotated}
    held = {lease.camera_id for lease in annotated if lease.alive}
    newest = samples.latest(ids, now=now, within=samples.RECENT)
    return {
        camera.pk: _vitals(camera, leases.get(camera.pk), camera.pk in held, newest.get(camera.pk))
        for camera in cameras
    }


def _vitals(camera: Camera, lease: CameraLease | None, held: bool, sample: CameraSample | None) -> Vitals:
    state, since, reason = _state(camera, lease, held=held)
    last_frame_at = lease.last_frame_at if lease else None
    if sample is None or state not in {State.ONLINE, State.ERROR}:
        asked = None if state in {State.OFF, State.SENDER} else camera.fps
        return Vitals(camera, state, since, reason, last_frame_at, fps_asked=asked)
    online = sample.seconds_online if sample.seconds_online >= ENOUGH else 0.0
    return Vitals(
        camera,
        state,
        since,
        reason,
        last_frame_at,
        fps_asked=sample.fps_asked,
        fps_captured=_share(sample.captured, online),
        fps_reached=_share(sample.frames, online),
        decode_seconds=_share(sample.decode_seconds, sample.frames),
        read_seconds=_share(sample.read_seconds, sample.reads),
        delay_seconds=_share(sample.delay_seconds, sample.frames),
        clock_ahead=sample.clock_ahead,
    )


def _share(total: float, count: float) -> float | None:
    return total / count if count else None


def _state(camera: Camera, lease: CameraLease | None, *, held: bool) -> tuple[State, datetime | None, str]:
    """State, since when and why. That it is online counts only while the worker that wrote so is there."""
    if not camera.is_enabled:
        return State.OFF, None, ""
    if not is_read_here(camera):
        return State.SENDER, None, ""
    if camera.status == CameraStatus.ONLINE and not held:
        since = lease.expires_at if lease else None
        return State.OFFLINE, since, str(_("No worker reads this camera."))
    if camera.status == CameraStatus.OFFLINE and not camera.status_reason:
        return State.OFFLINE, camera.status_since or camera.created_at, str(_("It has not been read yet."))
    return State(camera.status), camera.status_since, camera.status_reason


def by_need(vitals: Mapping[int, Vitals], troubled: Container[int] = ()) -> list[Vitals]:
    """Cameras that give no pictures first, then those `troubled`, last those switched off; then by name."""

    def need(one: Vitals) -> tuple[bool, bool, int, str]:
        blind = one.state in {State.ERROR, State.OFFLINE}
        return not blind, one.camera.pk not in troubled, list(State).index(one.state), one.camera.name

    return sorted(vitals.values(), key=need)


def prune(now: datetime) -> int:
    """Throw away old figures, and incidents that nobody was told of; how many rows."""
    return samples.prune(now) + incidents.prune(now)
