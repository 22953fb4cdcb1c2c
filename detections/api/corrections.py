"""/api/v1/events/{id}/corrections: an officer's word beside a read."""

from typing import Any, cast

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import ErrorSerializer, refused
from accounts.models import User
from accounts.services import audit
from accounts.views import client_address
from detections import corrections
from detections.corrections import CorrectedMeanwhileError, CorrectionRefusedError
from detections.models import Correction, CorrectionKind, Detection


class CorrectedMeanwhile(APIException):
    """Another officer was first: the second is told who and what."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "corrected_meanwhile"


class NewCorrectionSerializer(serializers.Serializer[Any]):
    """What an officer says of a read."""

    kind = serializers.ChoiceField(choices=CorrectionKind.choices, default=CorrectionKind.CORRECTED)
    plate_number = serializers.CharField(
        default="", allow_blank=True, max_length=64, help_text="The plate; needed where it is `corrected`."
    )
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=500, help_text="What the photo shows; not needed to confirm."
    )
    case_reference = serializers.CharField(default="", allow_blank=True, max_length=64)
    after = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=2**63 - 1,
        help_text="Id of the correction in force that you know (0: none); 409 when there is another one.",
    )


class CorrectionSerializer(serializers.ModelSerializer[Correction]):
    """An officer's word on a read; the newest of a passage is in force."""

    by = serializers.CharField(source="created_by")

    class Meta:
        model = Correction
        fields = ("id", "kind", "plate_number", "reason", "case_reference", "by", "created_at")


class CorrectionsView(APIView):
    """What officers said of one passage. For people only: a key is no officer."""

    @property
    def required_permission(self) -> str:
        """To add is more than to look."""
        verb = "add" if self.request.method == "POST" else "view"
        return f"detections.{verb}_correction"

    @extend_schema(operation_id="events_corrections_list", responses=CorrectionSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The history of a passage, newest first; the look is written to the audit trail."""
        passage = self._passage(request, pk)
        audit(
            by=cast(User, request.user),
            action="passage.view",
            target=passage,
            ip_address=client_address(request),
        )
        found = Correction.objects.visible_to(request.user).of(passage)
        return Response(CorrectionSerializer(found, many=True).data)

    @extend_schema(
        request=NewCorrectionSerializer,
        responses={
            201: CorrectionSerializer,
            400: OpenApiResponse(ErrorSerializer, description="A plate or a reason is missing or wrong."),
            409: OpenApiResponse(ErrorSerializer, description="Somebody else was first: see `after`."),
        },
        examples=[
            OpenApiExample(
                "the B was read as an 8",
                value={"plate_number": "BB 6232 RB", "reason": "2nd character is a B", "after": 0},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Correct, confirm or give up a read. The read itself stays; what was corrected is matched again."""
        serializer = NewCorrectionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            correction = corrections.correct(
                self._passage(request, pk),
                by=cast(User, request.user),
                ip_address=client_address(request),
                **serializer.validated_data,
            )
        except CorrectionRefusedError as error:
            refusal = error.refusal
            raise refused(refusal.field, refusal.code, refusal.message) from error
        except CorrectedMeanwhileError as error:
            found = error.correction
            words = _("%(name)s was first: %(verdict)s %(plate)s. Send after=%(id)s to go beyond it.") % {
                "name": found.created_by,
                "verdict": found.get_kind_display().lower(),
                "plate": found.plate_number,
                "id": found.pk,
            }
            raise CorrectedMeanwhile(words) from error
        return Response(CorrectionSerializer(correction).data, status=status.HTTP_201_CREATED)

    def _passage(self, request: Request, pk: int) -> Detection:
        visible = Detection.objects.visible_to(request.user)
        return get_object_or_404(visible.defer("image_data"), pk=pk)
