"""Passages and photos on the wire."""

import json
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.parsers import too_deep
from cameras.models import Camera
from detections.models import Detection, Layout, Submission, SubmissionStatus
from recognition import plates

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

BOX_EXAMPLE = "[412, 300, 540, 338]"


def keepable(text: str) -> bool:
    """True for text that PostgreSQL takes: no NUL, no lone surrogate."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


@extend_schema_field(OpenApiTypes.STR)
class CameraField(serializers.Field[Camera, Any, str, Any]):
    """A camera, named by its code (or its number)."""

    default_error_messages = {"unknown": _("No camera has this code: register it in the console first.")}

    def to_internal_value(self, data: Any) -> Camera:
        """The camera with this code, else this number. Raises ValidationError with code "unknown"."""
        text = str(data) if isinstance(data, str | int) else ""
        camera = self._find(text) if keepable(text) else None
        if camera is None:
            self.fail("unknown")
        return camera

    def _find(self, text: str) -> Camera | None:
        found: Camera | None = Camera.objects.filter(code=text).first()
        if found is None and text.isascii() and text.isdecimal() and len(text) < 18:
            found = Camera.objects.filter(pk=int(text)).first()
        return found

    def to_representation(self, value: Camera) -> str:
        """The code."""
        return value.code


MAX_JSON_BYTES = 16 * 1024
"""Largest JSON value of a field: a row is not a place for documents."""


class StrictJson(serializers.JSONField):
    """A JSON value of one type that PostgreSQL can keep; in a multipart form it is sent as text."""

    default_error_messages = {
        "too_large": _("The JSON value is too large."),
    }

    def __init__(self, kind: type, **kwargs: Any) -> None:
        """`kind`: list or dict."""
        self.kind = kind
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Parse text; refuse another type, NaN, NUL characters, lone surrogates and what is too large."""
        try:
            value = json.loads(data) if isinstance(data, str) else data
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
            size = len(text.encode())
        except (ValueError, RecursionError):
            self.fail("invalid")
        if not isinstance(value, self.kind) or "\\u0000" in text or too_deep(value):
            self.fail("invalid")
        if size > MAX_JSON_BYTES:
            self.fail("too_large")
        return value


def refused(field: str, code: str, message: "str | StrPromise") -> serializers.ValidationError:
    """An error of one field that a rule over several fields found."""
    return serializers.ValidationError({field: [serializers.ErrorDetail(str(message), code=code)]})


class IngestSerializer(serializers.Serializer[Any]):
    """One event of a sensor: a reading, or a photo to be read here, or both."""

    event_id = serializers.UUIDField(
        required=False, help_text="The sender's own id; a repeat changes nothing."
    )
    camera = CameraField(help_text="Code of the camera.")
    detected_at = serializers.DateTimeField(
        default=timezone.now, help_text="Time of the passage, with its offset (ISO 8601)."
    )
    plate_number = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=64,
        default="",
        help_text="The reading. Empty or absent: the photo in `frame` is queued for recognition.",
    )
    confidence = serializers.FloatField(required=False, min_value=0, max_value=1, default=1.0)
    detection_confidence = serializers.FloatField(required=False, min_value=0, max_value=1, allow_null=True)
    recognition_confidence = serializers.FloatField(required=False, min_value=0, max_value=1, allow_null=True)
    bounding_box = StrictJson(
        list, required=False, allow_null=True, help_text=f"Pixels of the frame, {BOX_EXAMPLE}."
    )
    layout = serializers.ChoiceField(choices=Layout.choices, required=False, allow_blank=True)
    vehicle_type = serializers.CharField(required=False, allow_blank=True, max_length=16)
    vehicle_color = serializers.CharField(required=False, allow_blank=True, max_length=50)
    vehicle_brand = serializers.CharField(required=False, allow_blank=True, max_length=100)
    vehicle_model = serializers.CharField(required=False, allow_blank=True, max_length=100)
    direction = serializers.CharField(required=False, allow_blank=True, max_length=16)
    lane = serializers.CharField(required=False, allow_blank=True, max_length=16)
    tpms = StrictJson(list, required=False)
    metadata = StrictJson(dict, required=False)
    frame = serializers.FileField(required=False, help_text="JPEG, PNG, WebP or BMP.")
    crop = serializers.FileField(required=False, help_text="The plate alone.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """There is something to store: a reading or a photo; a crop shows the plate of a reading."""
        if plates.normalise(attrs["plate_number"]):
            return attrs
        if "crop" in attrs:
            raise refused("crop", "needs_reading", _("A crop needs its reading: send plate_number too."))
        if "frame" not in attrs:
            raise refused("plate_number", "required", _("Send a plate or a photo."))
        return attrs


class EventQuerySerializer(serializers.Serializer[Any]):
    """What a list of passages is asked for."""

    plate = serializers.CharField(
        default="", allow_blank=True, max_length=64, help_text="Whole plate, as read."
    )
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=500, help_text="Why; needed with `plate`."
    )
    camera = serializers.CharField(default="", allow_blank=True, help_text="Code of a camera.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Who searches a plate says why: it goes to the audit trail."""
        if plates.normalise(attrs["plate"]) and not attrs["reason"]:
            raise refused("reason", "required", _("A search by plate needs a reason."))
        return attrs


class IngestedSerializer(serializers.Serializer[Any]):
    """Answer to a reading that was stored."""

    event_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["created", "duplicate"])
    id = serializers.IntegerField()


class QueuedSerializer(serializers.Serializer[Any]):
    """Answer to a photo that waits to be read."""

    event_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=SubmissionStatus.choices)
    status_url = serializers.URLField()


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error of the API."""

    detail = serializers.CharField()
    timestamp = serializers.DateTimeField()
    errors = serializers.ListField(child=serializers.DictField(), default=list)  # type: ignore[assignment]


class SubmissionSerializer(serializers.ModelSerializer[Submission]):
    """What became of a photo."""

    camera = serializers.CharField(source="camera.code")
    passages = serializers.ListField(child=serializers.IntegerField(), source="detections")

    class Meta:
        model = Submission
        fields = (
            "id",
            "event_id",
            "camera",
            "detected_at",
            "status",
            "error",
            "passages",
            "created_at",
            "updated_at",
        )


class EventSerializer(serializers.ModelSerializer[Detection]):
    """A passage; its images are served by the pages, not by this list."""

    camera = serializers.CharField(source="camera.code")

    class Meta:
        model = Detection
        fields = (
            "id",
            "event_id",
            "plate_number",
            "ocr_text",
            "confidence",
            "detection_confidence",
            "recognition_confidence",
            "candidates",
            "countries",
            "layout",
            "plate_color",
            "bounding_box",
            "recognition_polygon",
            "processing_time",
            "vehicle_type",
            "vehicle_color",
            "vehicle_brand",
            "vehicle_model",
            "direction",
            "lane",
            "tpms",
            "metadata",
            "source",
            "camera",
            "detected_at",
            "created_at",
        )
