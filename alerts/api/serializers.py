"""Alerts on the wire."""

from rest_framework import serializers

from alerts.models import Alert


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """An alert with its explanation; images are served by the pages."""

    camera = serializers.CharField(source="camera.code")
    acknowledged_by = serializers.StringRelatedField()  # type: ignore[var-annotated]

    class Meta:
        model = Alert
        fields = (
            "id",
            "type",
            "severity",
            "status",
            "title",
            "message",
            "details",
            "match_kind",
            "plate_number",
            "listed_plate",
            "confidence",
            "repeat_count",
            "camera",
            "detected_at",
            "last_seen_at",
            "created_at",
            "acknowledged_at",
            "acknowledged_by",
        )
