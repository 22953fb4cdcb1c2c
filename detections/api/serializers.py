"""Passages and photos on the wire."""

import json
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cameras.models import Camera
from detections.models import Detection, Layout, Submission, SubmissionStatus
from recognition import plates

BOX_EXAMPLE = "[412, 300, 540, 338]"


@extend_schema_field(OpenApiTypes.STR)
class CameraField(serializers.Field[Camera, Any, str, Any]):
    """A camera, named by its code (or its number)."""

    default_error_messages = {"unknown": _("No camera has this code: register it in the console first.")}

    def to_internal_value(self, data: Any) -> Camera:
        """The camera with this code or number. Raises ValidationError with code "unknown"."""
        text = str(data)
        is_number = text.isascii() and text.isdecimal() and len(text) < 18
        query = {"pk": int(text)} if is_number else {"code": text[:40]}
        camera = None if "\0" in text else Camera.objects.filter(**query).first()
        if camera is None:
            self.fail("unknown")
        return camera

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
        if not isinstance(value, self.kind) or "\\u0000" in text:
            self.fail("invalid")
        if size > MAX_JSON_BYTES:
            self.fail("too_large")
        return value


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
        """There is something to store: a reading or a photo."""
        if not plates.normalise(attrs["plate_number"]) and "frame" not in attrs:
            raise serializers.ValidationError(
                {
                    "plate_number": [
                        serializers.ErrorDetail(str(_("Send a plate or a photo.")), code="required")
                    ]
                }
            )
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
