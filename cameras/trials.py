"""Trial connections: a recognition worker fetches one picture of a source while a person waits for it.

The web process never opens a source: it leaves the question in Redis, its address encrypted, and a worker
leaves the answer beside it. All of it is gone a minute later.
"""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from celery import current_app
from django.utils import translation
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts.models import User
from accounts.services import audit
from cameras import pictures
from cameras.models import Camera
from cameras.options import CameraSettings, CameraSettingsError
from cameras.sealed import seal, unseal

KEPT_SECONDS = 60
NOBODY_SECONDS = 15
"""No worker took the question within this time: none is there, or all are busy."""

_CODECS = {"h264": "H.264", "hevc": "H.265"}


class NoTrialError(Exception):
    """Nothing can be tried; the message says why."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial connection as it stands: `state` is "waiting", "taken", "done", "failed" or "nobody"."""

    key: str
    state: str
    facts: dict[str, Any] = field(default_factory=dict)
    jpeg: bytes = field(default=b"", repr=False)

    @property
    def is_over(self) -> bool:
        """Nothing more will come."""
        return self.state not in ("waiting", "taken")


def start(camera: Camera, *, typed: bool, by: User, ip_address: str | None = None) -> str:
    """Ask a worker for a picture of the camera's source as this object has it; the key of the trial.

    `typed`: the source or its settings are not stored yet. Leaves an audit row. Raises NoTrialError.
    """
    try:
        source = camera.source
    except CameraSettingsError as error:
        raise NoTrialError(str(error)) from error
    if not source:
        raise NoTrialError(_("No address is given yet."))
    key = str(uuid.uuid4())
    question = {
        "source": seal(source),
        "settings": camera.settings,
        "language": translation.get_language(),
    }
    fields = {"camera": str(camera.pk), "question": json.dumps(question), "state": "waiting"}
    audit(by=by, action="camera.connect", target=camera, details={"typed": typed}, ip_address=ip_address)
    try:
        pictures.put(_at(key), fields | {"typed": "1" if typed else ""}, seconds=KEPT_SECONDS)
        current_app.send_task("cameras.tasks.connect_now", args=[key], expires=NOBODY_SECONDS, retry=False)
    except (pictures.PicturesAwayError, OperationalError):
        raise NoTrialError(_("The product's message service (Redis) does not answer now.")) from None
    return key


def find(key: str, camera: Camera) -> Trial | None:
    """The trial of this camera; None when there is none any more. Raises PicturesAwayError."""
    found, left = pictures.get(_at(key))
    if found.get("camera") != str(camera.pk).encode() or "state" not in found:
        return None
    state = found["state"].decode()
    if state == "waiting" and KEPT_SECONDS - left > NOBODY_SECONDS:
        state = "nobody"
    facts = json.loads(found.get("facts", b"{}")) | {"typed": bool(found.get("typed"))}
    return Trial(key, state, facts, found.get("jpeg", b""))


def newest(camera: Camera) -> Trial | None:
    """The last trial of the stored source that brought a picture. Raises PicturesAwayError."""
    found, _left = pictures.get(_last(camera.pk))
    return find(found["key"].decode(), camera) if "key" in found else None


def answer(key: str) -> None:
    """Connect, and leave the picture or the reason why there is none. In a recognition worker only.

    Raises PicturesAwayError.
    """
    found, _left = pictures.get(_at(key))
    if "question" not in found:
        return
    pictures.put(_at(key), {"state": "taken"}, seconds=KEPT_SECONDS)
    fields: dict[str, str | bytes] = {"state": "failed"}
    try:
        fields = _tried(json.loads(found["question"]))
    finally:
        # What nobody foresaw is told as a failure, too: without its text, which may hold the address.
        pictures.put(_at(key), fields, seconds=KEPT_SECONDS)
    if "jpeg" in fields and not found.get("typed"):
        pictures.put(_last(int(found["camera"])), {"key": key}, seconds=KEPT_SECONDS)


def _tried(question: dict[str, Any]) -> dict[str, str | bytes]:
    """What came of it, in the language of who asked."""
    # Only here: web processes know this module, and never load what decodes.
    from cameras.sources import SourceError
    from cameras.sources.trial import first_picture

    with translation.override(question["language"]):
        try:
            options = CameraSettings.read(question["settings"]).source
            return _told(first_picture(unseal(question["source"]), options))
        except (SourceError, CameraSettingsError) as error:
            return {"state": "failed", "facts": json.dumps({"why": str(error)})}


def _told(result: Any) -> dict[str, str | bytes]:
    """The first picture (`cameras.sources.trial`) as pages show it."""
    from recognition.images import to_jpeg

    height, width = result.image.shape[:2]
    facts = {
        "connected": result.connected,
        "seconds": result.seconds,
        "codec": _CODECS.get(result.codec, result.codec.upper()),
        "fps": result.fps,
        "ahead": result.ahead,
        "width": width,
        "height": height,
    }
    jpeg = to_jpeg(result.image, 80, longest=1280)
    return {"state": "done", "facts": json.dumps(facts), "jpeg": jpeg}


def _at(key: str) -> str:
    return f"anpr:trial:{key}"


def _last(camera_id: int) -> str:
    return f"anpr:camera:{camera_id}:trial"
