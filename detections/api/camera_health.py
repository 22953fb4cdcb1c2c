"""/api/v1/config/cameras/.../health: how cameras are, as the pages and /metrics say it too."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import ErrorSerializer
from cameras.health import State
from cameras.models import Camera, CameraIncident
from detections.camera_health import health_of

_REFUSALS: dict[int, Any] = {401: ErrorSerializer, 403: ErrorSerializer, 404: ErrorSerializer}


class IncidentSerializer(serializers.ModelSerializer[CameraIncident]):
    """Something that is wrong with a camera, and has been for a while."""

    class Meta:
        model = CameraIncident
        fields = ("id", "kind", "reason", "since", "noticed_at", "acknowledged_at")
        read_only_fields = fields


class CameraHealthSerializer(serializers.Serializer[Any]):
    """A camera now. Figures are means of its last minute; null: not known. Times in seconds."""

    camera = serializers.IntegerField(source="camera.pk")
    code = serializers.CharField(source="camera.code")
    name = serializers.CharField(source="camera.name")
    state = serializers.ChoiceField(choices=State.choices, source="vitals.state")
    since = serializers.DateTimeField(source="vitals.since", allow_null=True)
    reason = serializers.CharField(source="vitals.reason")
    fps_asked = serializers.FloatField(source="vitals.fps_asked", allow_null=True)
    fps_captured = serializers.FloatField(
        source="vitals.fps_captured", allow_null=True, help_text="What the camera sends."
    )
    fps_reached = serializers.FloatField(
        source="vitals.fps_reached", allow_null=True, help_text="What recognition takes."
    )
    decode_seconds = serializers.FloatField(source="vitals.decode_seconds", allow_null=True)
    read_seconds = serializers.FloatField(source="vitals.read_seconds", allow_null=True)
    queue_seconds = serializers.FloatField(
        source="vitals.delay_seconds",
        allow_null=True,
        help_text="Age of a frame when its reading begins.",
    )
    clock_ahead_seconds = serializers.FloatField(
        source="vitals.clock_ahead", allow_null=True, help_text="Negative: the camera's clock is behind."
    )
    last_frame_at = serializers.DateTimeField(source="vitals.last_frame_at", allow_null=True)
    last_passage_at = serializers.DateTimeField(source="traffic.last_passage", allow_null=True)
    passages = serializers.IntegerField(source="traffic.actual", help_text="Of the last sixty minutes.")
    passages_expected = serializers.FloatField(
        source="traffic.expected",
        allow_null=True,
        help_text="Median of the same sixty minutes of the past four weeks.",
    )
    incidents = IncidentSerializer(many=True)


class _HealthView(APIView):
    """Cameras that the caller may see."""

    required_permission = "cameras.view_camera"

    def cameras(self, request: Request) -> QuerySet[Camera]:
        """By role."""
        return Camera.objects.visible_to(request.user)


class CameraHealthListView(_HealthView):
    """All cameras."""

    @extend_schema(
        responses={200: CameraHealthSerializer(many=True)} | _REFUSALS,
        operation_id="config_cameras_health_list",
        summary="Health of all cameras, those in trouble first",
    )
    def get(self, request: Request) -> Response:
        """How all cameras are."""
        found = health_of(list(self.cameras(request)))
        return Response(CameraHealthSerializer(found, many=True).data)


class CameraHealthView(_HealthView):
    """One camera."""

    @extend_schema(responses={200: CameraHealthSerializer} | _REFUSALS, summary="Health of a camera")
    def get(self, request: Request, pk: int) -> Response:
        """How the camera is."""
        [found] = health_of([get_object_or_404(self.cameras(request), pk=pk)])
        return Response(CameraHealthSerializer(found).data)
