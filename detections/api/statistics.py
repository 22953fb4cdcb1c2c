"""/api/v1/events/stats: how many passages, when, where, of what kind. Read from roll-ups."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import ErrorSerializer, keepable, refused
from accounts.models import Scope
from cameras.models import Camera
from detections.api.quick import doubt_connection, key_of, trust_connection
from detections.statistics import By, Span, Tally, tallies, total

DAY = timedelta(days=1)
LONGEST = {"hour": 31 * DAY, "day": 3660 * DAY, "camera": 3660 * DAY, "vehicle": 3660 * DAY}
"""An answer has at most a few thousand rows."""
_BY = {"hour": By.HOUR, "day": By.DAY, "camera": By.CAMERA, "vehicle": By.VEHICLE}


class StatsQuerySerializer(serializers.Serializer[Any]):
    """What is to be counted."""

    since = serializers.DateTimeField(
        required=False, help_text="From the full hour of this time; else 24 hours before `until`."
    )
    until = serializers.DateTimeField(
        required=False, help_text="To the end of this time's hour; else to the end of the present hour."
    )
    by = serializers.ChoiceField(
        choices=list(_BY),
        default="hour",
        help_text="Hours and days without passages are left out; days are those of Africa/Porto-Novo.",
    )
    camera = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        help_text="Codes of cameras; repeat the parameter for several. None: all cameras.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A period in order, and not too long for what it is told apart by."""
        until = attrs.get("until") or timezone.now()
        try:
            since = attrs.get("since")
            period = Span.around(since, until) if since else Span.last(DAY, now=until)
        except OverflowError as error:
            raise refused("since", "invalid", _("The period lies outside the calendar.")) from error
        if period.since >= period.until:
            raise refused("since", "not_in_order", _("The period ends before it begins."))
        if period.until - period.since > LONGEST[attrs["by"]]:
            raise refused("since", "too_long", _("The period is too long: ask for days instead of hours."))
        return attrs | {"period": period}

    def validate_camera(self, codes: list[str]) -> dict[int, str]:
        """Cameras by number; all of them must exist."""
        found = dict(Camera.objects.filter(code__in=filter(keepable, codes)).values_list("pk", "code"))
        if set(codes) - set(found.values()):
            raise serializers.ValidationError(_("No camera has one of these codes."), code="unknown")
        return found


class CountsSerializer(serializers.Serializer[Any]):
    """Passages, and how many of them are of a kind."""

    passages = serializers.IntegerField()
    doubtful = serializers.IntegerField(help_text="Reads with a confidence below 0.7.")
    two_line = serializers.IntegerField(help_text="Plates of two lines.")


class StatsRowSerializer(CountsSerializer):
    """One hour, day, camera or class of vehicle."""

    key = serializers.CharField(
        help_text="Start of the hour (ISO 8601), date, code of the camera, or class of vehicle (or empty)."
    )


class StatsSerializer(serializers.Serializer[Any]):
    """Figures of full hours, complete at the moment they are given."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    by = serializers.ChoiceField(choices=list(_BY))
    as_of = serializers.DateTimeField()
    waiting = serializers.IntegerField(
        help_text="Passages among these that are not in the roll-ups yet; they are counted all the same."
    )
    totals = CountsSerializer()
    rows = StatsRowSerializer(many=True)


class StatsView(APIView):
    """Figures of passages. They tell of no plate, so that no reason is asked for."""

    required_scope = Scope.EVENTS_READ
    required_permission = "detections.view_detection"

    @extend_schema(
        parameters=[StatsQuerySerializer],
        responses={200: StatsSerializer, 400: ErrorSerializer, 401: ErrorSerializer, 403: ErrorSerializer},
        summary="Passages counted by hour, day, camera or class of vehicle",
        examples=[
            OpenApiExample(
                "Two hours",
                value={
                    "since": "2026-11-21T08:00:00+01:00",
                    "until": "2026-11-21T10:00:00+01:00",
                    "by": "hour",
                    "as_of": "2026-11-21T09:41:07+01:00",
                    "waiting": 3,
                    "totals": {"passages": 1240, "doubtful": 31, "two_line": 802},
                    "rows": [
                        {
                            "key": "2026-11-21T08:00:00+01:00",
                            "passages": 733,
                            "doubtful": 17,
                            "two_line": 480,
                        },
                        {
                            "key": "2026-11-21T09:00:00+01:00",
                            "passages": 507,
                            "doubtful": 14,
                            "two_line": 322,
                        },
                    ],
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Count."""
        query = StatsQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked: dict[str, Any] = query.validated_data
        return Response(figures(asked["period"], asked["by"], asked.get("camera")))


def figures(period: Span, by: str, cameras: dict[int, str] | None = None) -> dict[str, Any]:
    """The answer for a period, told apart `by`; `cameras` by number, None: all."""
    found = tallies(period, _BY[by], cameras=cameras)
    whole = total(found)
    return {
        "since": timezone.localtime(period.since),
        "until": timezone.localtime(period.until),
        "by": by,
        "as_of": timezone.localtime(),
        "waiting": whole.waiting,
        "totals": _counts(whole),
        "rows": _rows(by, {key: one for (key,), one in found.items()}),
    }


def quickly(request: HttpRequest) -> HttpResponse | None:
    """The last 24 hours for a program with a key; None: let StatsView see to it."""
    by = request.GET.get("by", "hour")
    if request.method != "GET" or request.GET.keys() - {"by"} or by not in _BY:
        return None
    trust_connection()
    try:
        if key_of(request, StatsView.required_scope) is None:
            return None
        told = figures(Span.last(DAY, now=timezone.now()), by)
    except (OperationalError, InterfaceError):
        doubt_connection()
        return None
    return HttpResponse(orjson.dumps(told), content_type="application/json")


def _counts(tally: Tally) -> dict[str, int]:
    return {"passages": tally.passages, "doubtful": tally.doubtful, "two_line": tally.two_line}


def _rows(by: str, found: dict[Any, Tally]) -> list[dict[str, Any]]:
    """The figures under names that people know, in their order."""
    names = _codes(found) if by == "camera" else {}
    if by == "hour":
        names = {key: timezone.localtime(key).isoformat() for key in found}
    rows = [{"key": names.get(key, str(key)), **_counts(tally)} for key, tally in found.items()]
    return sorted(rows, key=lambda row: str(row["key"]))


def _codes(numbers: Collection[int]) -> dict[int, str]:
    return dict(Camera.objects.filter(pk__in=numbers).values_list("pk", "code"))
