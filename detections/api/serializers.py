"""Passages and photos on the wire."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import StrictJson, refused
from accounts.models import may
from cameras.api.fields import CameraField
from detections.models import (
    Correction,
    CorrectionKind,
    Detection,
    Layout,
    Stay,
    Submission,
    SubmissionStatus,
)
from recognition import plates

BOX_EXAMPLE = "[412, 300, 540, 338]"


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


class IngestedSerializer(serializers.Serializer[Any]):
    """Answer to a reading that was stored."""

    event_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["created", "duplicate"])
    id = serializers.IntegerField()


class LineErrorSerializer(serializers.Serializer[Any]):
    """One thing that is wrong."""

    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class LineSerializer(serializers.Serializer[Any]):
    """What became of one line of a batch."""

    line = serializers.IntegerField(help_text="From 1: the line, or the place in the array.")
    event_id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=["created", "duplicate", "rejected"])
    id = serializers.IntegerField(allow_null=True)
    errors = LineErrorSerializer(many=True)  # type: ignore[assignment]


class BatchSerializer(serializers.Serializer[Any]):
    """Answer to a batch."""

    created = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = LineSerializer(many=True)


class QueuedSerializer(serializers.Serializer[Any]):
    """Answer to a photo that waits to be read."""

    event_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=SubmissionStatus.choices)
    status_url = serializers.URLField()


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


class StaySerializer(serializers.ModelSerializer[Stay]):
    """A stay in a parking zone; `seconds` grows while the vehicle stands."""

    seconds = serializers.IntegerField(read_only=True)

    class Meta:
        model = Stay
        fields = ("started_at", "ended_at", "seconds")


class ReviewedSerializer(serializers.Serializer[Any]):
    """An officer's word on a read, the newest of them."""

    kind = serializers.ChoiceField(choices=CorrectionKind.choices)
    plate_number = serializers.CharField(help_text="Empty when nobody can read the plate.")
    at = serializers.DateTimeField()
    by = serializers.CharField(allow_null=True, help_text="For who may see who corrected; else null.")


def reviewed_of(correction: Correction | None, *, named: bool) -> dict[str, Any] | None:
    """What an officer said of the read, as it is shown; `named`: and who."""
    if correction is None:
        return None
    return {
        "kind": correction.kind,
        "plate_number": correction.plate_number,
        "at": correction.created_at.isoformat(),
        "by": str(correction.created_by) if named else None,
    }


class EventSerializer(serializers.ModelSerializer[Detection]):
    """A passage; its images are served by the pages, not by this list."""

    camera = serializers.CharField(source="camera.code")
    reviewed = serializers.SerializerMethodField()

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
            "reviewed",
        )

    @extend_schema_field(ReviewedSerializer(allow_null=True))
    def get_reviewed(self, passage: Detection) -> dict[str, Any] | None:
        """Null while no officer has looked."""
        request = self.context.get("request")
        named = request is not None and may(request.user, "detections.view_correction")
        return reviewed_of(passage.correction, named=named)


class EventPageSerializer(serializers.Serializer[Any]):
    """A page of passages."""

    next = serializers.URLField(allow_null=True, help_text="Older passages.")
    previous = serializers.URLField(allow_null=True, help_text="Newer passages.")
    results = EventSerializer(many=True)


class OneEventQuerySerializer(serializers.Serializer[Any]):
    """How a passage is asked for."""

    at = serializers.DateTimeField(
        required=False, help_text="Its `detected_at`, where known: found faster in years of passages."
    )


class OneEventSerializer(EventSerializer):
    """One passage with what is known beyond its row."""

    stays = serializers.SerializerMethodField()

    class Meta:
        model = Detection
        fields = (*EventSerializer.Meta.fields, "stays")

    @extend_schema_field(StaySerializer(many=True))
    def get_stays(self, passage: Detection) -> list[dict[str, Any]]:
        """Stays of its vehicle in parking zones of the camera."""
        return [dict(stay) for stay in StaySerializer(Stay.objects.of_passage(passage), many=True).data]
