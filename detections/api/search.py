"""/api/v1/events/search: passages by plate, pattern or near miss. POST, so that no address holds a plate."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from django.core.exceptions import ValidationError as InvalidGeometry
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import ErrorSerializer, StrictJson, keepable, refused
from accounts.models import ApiKey, Scope, User
from accounts.views import client_address
from cameras.geometry import Space, check_geometry
from cameras.models import Camera
from detections.api.serializers import EventSerializer
from detections.api.views import key_and_user, passages_for
from detections.search import DEFAULT_WINDOW, Criteria, Found, Match, Mode, Place, SearchRefusedError, find
from detections.search.purpose import Purpose, note
from detections.search.wording import explain

MAX_PAGE = 200
_FIRST = datetime.min.replace(tzinfo=UTC)
"""There is no time before it."""
MAX_CAMERAS = 500


class SearchSerializer(serializers.Serializer[Any]):
    """What is searched, and why."""

    mode = serializers.ChoiceField(choices=Mode.choices, default=Mode.EXACT)
    plate = serializers.CharField(
        max_length=64, help_text="The plate; for `wildcard` a pattern: ? is one character, * any number."
    )
    since = serializers.DateTimeField(
        source="since", required=False, help_text="Included; a week before `to` when absent."
    )
    until = serializers.DateTimeField(
        source="until", required=False, help_text="Not included; now when absent."
    )
    cameras = serializers.ListField(
        child=serializers.SlugField(max_length=40),
        required=False,
        allow_empty=False,
        max_length=MAX_CAMERAS,
        help_text="Their codes.",
    )
    area = StrictJson(
        dict, required=False, max_bytes=64 * 1024, help_text="GeoJSON Polygon or MultiPolygon, in degrees."
    )
    max_edits = serializers.IntegerField(
        min_value=0, max_value=2, default=1, help_text="For `fuzzy`: errors besides confusions."
    )
    reason = serializers.CharField(max_length=500, help_text="Why; kept in the audit trail.")
    case_reference = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="The case; keys and some roles must name it."
    )
    cursor = serializers.CharField(
        max_length=128, default="", allow_blank=True, help_text="`older` or `newer` of an answer."
    )
    page_size = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=50)

    def get_fields(self) -> dict[str, Any]:
        """`from` and `to`: Python keeps the first word for itself."""
        names = {"since": "from", "until": "to"}
        return {names.get(name, name): field for name, field in super().get_fields().items()}

    def validate_cameras(self, value: list[str]) -> tuple[int, ...]:
        """Their keys; each code is one of a camera."""
        known = dict(Camera.objects.filter(code__in=value).values_list("code", "pk"))
        if unknown := sorted(set(value) - set(known)):
            message = _("No camera has this code: %(code)s.") % {"code": unknown[0]}
            raise ValidationError(message, code="unknown")
        return tuple(sorted(known.values()))

    def validate_area(self, value: dict[str, Any]) -> dict[str, Any]:
        """A sound area on earth."""
        try:
            check_geometry(value, Space.MAP)
        except InvalidGeometry as error:
            raise ValidationError(error.messages, code=error.code) from error
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Texts that PostgreSQL can keep; the place of the cursor."""
        for name in ("plate", "reason", "case_reference"):
            if not keepable(attrs[name]):
                raise refused(name, "invalid", _("This text holds characters that cannot be kept."))
        try:
            attrs["place"] = Place.decode(attrs["cursor"]) if attrs["cursor"] else None
        except ValueError as error:
            raise refused("cursor", "invalid", _("Unknown cursor: take one of an answer.")) from error
        return attrs

    def criteria(self) -> Criteria:
        """The search that was asked for, once valid."""
        data = self.validated_data
        until = data.get("until") or timezone.now()
        since = data.get("since") or until - min(DEFAULT_WINDOW, until - _FIRST)
        return Criteria(
            mode=Mode(data["mode"]),
            plate=data["plate"],
            since=since,
            until=until,
            cameras=data.get("cameras"),
            area=data.get("area"),
            max_edits=data["max_edits"],
        )


class CharacterSerializer(serializers.Serializer[Any]):
    """One character of the read held against the plate that was looked for."""

    position = serializers.IntegerField()
    read = serializers.CharField(allow_blank=True)
    searched = serializers.CharField(source="listed", allow_blank=True)
    kind = serializers.ChoiceField(choices=["same", "confusable", "different", "missing", "extra"])
    text = serializers.SerializerMethodField(help_text="In words; empty for a character that is the same.")

    def get_text(self, character: Any) -> str:
        """The sentence."""
        return explain(character)


class MatchSerializer(serializers.Serializer[Any]):
    """How well a passage meets the search."""

    score = serializers.FloatField(help_text="From 0 to 1.")
    kind = serializers.ChoiceField(choices=["same", "confusable", "edited", "pattern"])
    characters = CharacterSerializer(many=True)


class FoundEventSerializer(EventSerializer):
    """A passage with how well it meets the search."""

    match = serializers.SerializerMethodField()

    class Meta(EventSerializer.Meta):
        fields = (*EventSerializer.Meta.fields, "match")  # type: ignore[assignment]

    @extend_schema_field(MatchSerializer)
    def get_match(self, passage: Any) -> Mapping[str, Any]:
        """From the search, by passage."""
        return MatchSerializer(self.context["matches"][passage.pk]).data


class FoundSerializer(serializers.Serializer[Any]):
    """A page of results: newest first, near misses by score first."""

    results = FoundEventSerializer(many=True)
    older = serializers.CharField(allow_null=True, help_text="Cursor of what comes after; null at the end.")
    newer = serializers.CharField(allow_null=True, help_text="Cursor of what comes before.")
    plates = serializers.IntegerField(
        allow_null=True, help_text="How many different plates met the search; null: too many to tell."
    )
    cut = serializers.BooleanField(help_text="Very many near misses: only the nearest plates were taken.")
    lags = serializers.BooleanField(help_text="The dictionary is behind: the newest passages may be missing.")


EXAMPLE: dict[str, Any] = {
    "mode": "fuzzy",
    "plate": "BB 6232 RB",
    "from": "2026-11-14T00:00:00+01:00",
    "to": "2026-11-21T00:00:00+01:00",
    "cameras": ["seme-krake-1"],
    "max_edits": 1,
    "reason": "Vehicle seen leaving the place",
    "case_reference": "PV-2026-0117",
}
ANSWER: dict[str, Any] = {
    "results": [
        {
            "id": 4711,
            "plate_number": "8B6232",
            "camera": "seme-krake-1",
            "detected_at": "2026-11-20T08:15:02+01:00",
            "match": {
                "score": 0.9,
                "kind": "confusable",
                "characters": [
                    {
                        "position": 1,
                        "read": "8",
                        "searched": "B",
                        "kind": "confusable",
                        "text": "1st character: 8 read, B possible",
                    }
                ],
            },
        }
    ],
    "older": None,
    "newer": None,
    "plates": 1,
    "cut": False,
    "lags": False,
}


class SearchView(APIView):
    """Search of passages; each one leaves a row in the audit trail."""

    required_scope = Scope.EVENTS_READ
    required_permission = "detections.view_detection"

    @extend_schema(
        operation_id="events_search",
        request=SearchSerializer,
        responses={
            200: OpenApiResponse(FoundSerializer, description="A page of passages."),
            400: OpenApiResponse(ErrorSerializer, description="Refused, or it took too long: narrow it."),
            401: ErrorSerializer,
            403: ErrorSerializer,
        },
        examples=[
            OpenApiExample("Near misses of a plate", value=EXAMPLE, request_only=True),
            OpenApiExample(
                "The end of a plate",
                value={"mode": "wildcard", "plate": "*6232RB", "reason": "Control", "case_reference": "PV-7"},
                request_only=True,
            ),
            OpenApiExample("One confusable read", value=ANSWER, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """A page of what meets the search."""
        asked = SearchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        try:
            found = self._find(request, asked.criteria(), data)
        except SearchRefusedError as error:
            raise ValidationError({error.field: [ErrorDetail(error.message, code=error.code)]}) from error
        return Response(_body(found))

    def _find(self, request: Request, criteria: Criteria, data: Mapping[str, Any]) -> Found:
        key, user = key_and_user(request)
        caller = cast("User | ApiKey", key or user)
        purpose = Purpose(data["reason"], data["case_reference"])
        criteria.check()
        purpose.check(criteria, caller)
        found: Found | None = None
        try:
            found = find(
                criteria, passages=passages_for(request), place=data["place"], size=data["page_size"]
            )
        finally:
            note(criteria, purpose, caller=caller, found=found, ip_address=client_address(request._request))
        return found


def _body(found: Found) -> dict[str, Any]:
    matches: dict[int, Match] = {match.passage.pk: match for match in found.matches}
    passages = [match.passage for match in found.matches]
    return {
        "results": FoundEventSerializer(passages, many=True, context={"matches": matches}).data,
        "older": found.older.encode() if found.older else None,
        "newer": found.newer.encode() if found.newer else None,
        "plates": found.plates,
        "cut": found.cut,
        "lags": found.lags,
    }
