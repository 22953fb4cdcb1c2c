"""The short way in for readings that are as they should be.

`fields_of` takes a body apart by hand, in a twentieth of the time of IngestSerializer, and gives what that
would give; for anything unusual it gives None, and the serializer judges: it alone knows the errors. A test
holds the two together over many bodies (detections/tests/test_quick.py).
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from accounts.api.authentication import sent_token, usable_key
from accounts.api.parsers import too_deep
from accounts.api.serializers import StrictJson, keepable
from accounts.models import ApiKey
from cameras.models import Camera
from detections.models import Layout
from recognition import plates

REMEMBERED = 5.0
"""Seconds for which a camera's number is not looked up again."""

# So short that no field of it can be too large, however its numbers are written out; and not nested too deep.
_SMALL, _SHALLOW = 2048, 32
# orjson makes a float of a whole number beyond 64 bits; json does not.
_LONG_NUMBER = re.compile(rb"\d{19}")


class UnusualError(Exception):
    """For the serializer to judge."""


def parsed(body: bytes) -> Any:
    """The JSON in `body`. Raises UnusualError for what is broken, or read otherwise by json."""
    if b"\\u0000" in body or _LONG_NUMBER.search(body):
        raise UnusualError
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnusualError from error
    if not is_simple(body) and too_deep(value):
        raise UnusualError
    return value


def is_simple(body: bytes) -> bool:
    """True for JSON whose lists and objects need no further look: short, and not deep."""
    return len(body) <= _SMALL and body.count(b"[") + body.count(b"{") <= _SHALLOW


def trust_connection() -> None:
    """Spare the SELECT 1 by which Django sees that the connection lives: the first query will tell as well.

    Whoever calls this goes the long way on an error, after `doubt_connection`.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]


def doubt_connection() -> None:
    """After an error: close the connection if it is dead, so that the long way has a new one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def key_of(request: HttpRequest, scope: str) -> ApiKey | None:
    """The key of a request, where it may be used and has the scope."""
    token = sent_token(request.META)
    key = usable_key(token) if token else None
    return key if key and scope in key.scopes else None


def cameras_of(bodies: Iterable[Any]) -> dict[str, Camera]:
    """The cameras that these bodies name by their codes; only their number and code are loaded."""
    codes = (body.get("camera") for body in bodies if type(body) is dict)
    names = list({code for code in codes if type(code) is str and keepable(code)})
    # In SQL: for each event of each sensor, Django takes longer to compile a query than PostgreSQL to answer.
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, code FROM cameras_camera WHERE code = ANY(%s)", [names])
        return {row[1]: Camera.from_db("default", ("id", "code"), row) for row in cursor.fetchall()}


_cameras: dict[str, tuple[float, Camera]] = {}
"""Cameras that were looked up lately, by code, with the time."""


def camera_of(body: Any) -> dict[str, Camera]:
    """`cameras_of` for one body; a process remembers a camera for REMEMBERED seconds.

    Who stores something for it takes an IntegrityError for "no longer there", and calls `forget_cameras`.
    """
    code = body.get("camera") if type(body) is dict else None
    known = _cameras.get(code) if type(code) is str else None
    if known and known[0] > time.monotonic() - REMEMBERED:
        return {known[1].code: known[1]}
    found = cameras_of([body])
    _cameras.update((name, (time.monotonic(), camera)) for name, camera in found.items())
    return found


def forget_cameras() -> None:
    """Look all of them up again."""
    _cameras.clear()


def form_fields(request: HttpRequest) -> dict[str, Any] | None:
    """What IngestSerializer makes of a form with a reading, pictures included. None: ask it instead."""
    # A field that is sent as a file is not passed over: without its event a repeat would be stored twice.
    if not request.FILES or request.FILES.keys() - {"frame", "crop"}:
        return None
    data = {name: value for name, value in request.POST.items() if name not in request.FILES}
    fields = fields_of(data, camera_of(data), timezone.now(), simple=False)
    files: dict[str, Any] = request.FILES.dict()
    if fields is None or not all(file.size and file.name for file in files.values()):
        return None
    return fields | files


def fields_of(
    data: Any, cameras: Mapping[str, Camera], now: datetime, *, simple: bool
) -> dict[str, Any] | None:
    """What IngestSerializer makes of a reading without pictures: fields of NewPassage. None: ask it instead.

    `cameras`: by code. `simple`: see `is_simple`.
    """
    try:
        return _fields(data, cameras, now, simple)
    except (UnusualError, ValidationError, ValueError, OverflowError):
        return None


def _fields(data: Any, cameras: Mapping[str, Camera], now: datetime, simple: bool) -> dict[str, Any]:
    if type(data) is not dict or "frame" in data or "crop" in data:
        raise UnusualError
    code = data.get("camera")
    if type(code) is not str or code not in cameras or "plate_number" not in data:
        raise UnusualError
    fields: dict[str, Any] = {"detected_at": now, "confidence": 1.0}
    for name, value in data.items():
        if name in _CHECKS:
            fields[name] = _CHECKS[name](value)
        elif name in _TEXTS:
            fields[name] = _text(value, _TEXTS[name])
        elif name in _JSON:
            fields[name] = value if simple and type(value) is _JSON[name] else _json(name, value)
    if not plates.normalise(fields["plate_number"]):
        raise UnusualError
    fields["camera"] = cameras[code]
    return fields


def _text(value: Any, most: int) -> str:
    if type(value) is not str or not keepable(value):
        raise UnusualError
    text = value.strip()
    if len(text) > most:
        raise UnusualError
    return text


def _event(value: Any) -> uuid.UUID:
    if type(value) is not str:
        raise UnusualError
    return uuid.UUID(value)


def _moment(value: Any) -> datetime:
    if type(value) is not str:
        raise UnusualError
    moment = datetime.fromisoformat(value)
    # Without an offset it is local time, and near the ends of the calendar there is no local time.
    if moment.tzinfo is None or not 1900 < moment.year < 2200:
        raise UnusualError
    return moment


def _share(value: Any) -> float:
    if type(value) is str and len(value) < 1000:
        value = float(value)
    if type(value) not in (float, int) or not 0 <= value <= 1:
        raise UnusualError
    return float(value)


def _share_or_none(value: Any) -> float | None:
    return None if value is None else _share(value)


def _layout(value: Any) -> str:
    if type(value) is not str or value not in _LAYOUTS:
        raise UnusualError
    return value


def _json(name: str, value: Any) -> Any:
    if value is None and name == "bounding_box":
        return None
    return _STRICT[name].to_internal_value(value)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "event_id": _event,
    "detected_at": _moment,
    "confidence": _share,
    "detection_confidence": _share_or_none,
    "recognition_confidence": _share_or_none,
    "layout": _layout,
}
_TEXTS = {
    "plate_number": 64,
    "vehicle_type": 16,
    "vehicle_color": 50,
    "vehicle_brand": 100,
    "vehicle_model": 100,
    "direction": 16,
    "lane": 16,
}
_JSON: dict[str, type] = {"bounding_box": list, "tpms": list, "metadata": dict}
_STRICT = {name: StrictJson(kind) for name, kind in _JSON.items()}
_LAYOUTS = frozenset(["", *Layout.values])
