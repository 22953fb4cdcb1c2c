"""/api/v1/events: passages in, passages out."""

from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey, Scope, User
from accounts.services import audit
from detections.api.serializers import (
    OneEventQuerySerializer,
    OneEventSerializer,
    SubmissionSerializer,
)
from detections.corrections import with_corrections
from detections.models import Detection, Submission


def key_and_user(request: Request) -> tuple[ApiKey | None, User | None]:
    """The key or the account behind a request; one of the two is None."""
    if isinstance(request.auth, ApiKey):
        return request.auth, None
    return None, cast(User, request.user)


def passages_for(request: Request) -> QuerySet[Detection]:
    """Passages that the caller may see: a key by its scope (checked by the view), a person by role."""
    _key, user = key_and_user(request)
    found = Detection.objects.visible_to(user) if user else Detection.objects.all()
    return found.defer("image_data").select_related("camera")


class SubmissionView(generics.RetrieveAPIView[Submission]):
    """What became of a photo sent without a reading."""

    serializer_class = SubmissionSerializer
    required_scope = Scope.EVENTS_WRITE
    required_permission = "detections.add_detection"

    def get_queryset(self) -> QuerySet[Submission]:
        """A key sees what it sent, a person what the role allows."""
        if getattr(self, "swagger_fake_view", False):
            return Submission.objects.none()
        key, user = key_and_user(self.request)
        return Submission.objects.visible_to(key or user or AnonymousUser()).select_related("camera")


class EventView(generics.RetrieveAPIView[Detection]):
    """One passage; the look-up is written to the audit trail."""

    serializer_class = OneEventSerializer
    required_scope = Scope.EVENTS_READ
    required_permission = "detections.view_detection"

    @extend_schema(parameters=[OneEventQuerySerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A passage, with the stays of its vehicle."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Detection]:
        """Passages that the caller may see; with `at`, only that month is opened."""
        if getattr(self, "swagger_fake_view", False):
            return Detection.objects.none()
        query = OneEventQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        found = passages_for(self.request)
        at = query.validated_data.get("at")
        return found.filter(detected_at=at) if at else found

    def get_object(self) -> Detection:
        """The passage, with the audit row."""
        passage = super().get_object()
        key, user = key_and_user(self.request)
        audit(
            by=user,
            action="passage.view",
            target=passage,
            details={"api_key": key.prefix} if key else {},
        )
        with_corrections([passage])
        return passage
