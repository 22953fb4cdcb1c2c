"""/api/v1/config: cameras, zones, recognition models and sensors, without lost updates.

GET of one row answers with its ETag; PUT, PATCH and DELETE need it in If-Match (see
`accounts.api.preconditions`). In PUT as in PATCH a field left out keeps what it holds: addresses of streams
are never told, so nobody could send them back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as Invalid
from django.db import models
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.api.pagination import is_position
from accounts.api.preconditions import ConflictError, StaleError, etag, seen_revision
from accounts.api.serializers import ErrorSerializer, keepable, refused
from accounts.models import User
from accounts.views import client_address
from cameras import services
from cameras.api.serializers import (
    CameraQuery,
    CameraSerializer,
    ConfigQuery,
    ModelConfigSerializer,
    ModelQuery,
    SensorQuery,
    SensorSerializer,
    ZoneQuery,
    ZoneSerializer,
)
from cameras.models import Camera, Configured, ModelConfig, SensorSettings, Zone

Row = TypeVar("Row", bound=Configured)

_VERB = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}
_TAGGED = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=True, description="For If-Match.")
_SEEN = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag that GET gave; `*` overwrites whatever is there.",
)
_REFUSALS: dict[int, Any] = {
    400: ErrorSerializer,
    401: ErrorSerializer,
    403: ErrorSerializer,
    404: ErrorSerializer,
}
_WRITE_REFUSALS = _REFUSALS | {
    409: OpenApiResponse(ErrorSerializer, description="Needed by others, or written by another just now."),
    412: OpenApiResponse(ErrorSerializer, description="Changed by somebody else meanwhile."),
    428: OpenApiResponse(ErrorSerializer, description="If-Match is missing."),
}


class ConfigPagination(CursorPagination):
    """Both ways through a list in the order asked for; never counts. A made-up cursor is a 404."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """The order asked for, and the number where that leaves ties."""
        first = view.query["ordering"]
        return first, "-id" if first.startswith("-") else "id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place to go on from; None at the start. Raises NotFound for one that the API never gave."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        position = str(cursor.position)
        timed = self.ordering[0].lstrip("-") != "name"
        if not (is_position(position) if timed else keepable(position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class _ConfigView(generics.GenericAPIView[Row], Generic[Row]):
    """What lists and single rows share: the permission that the method needs, and rows that may be seen."""

    model: type[Row]
    related: ClassVar[tuple[str, ...]] = ()
    collected: ClassVar[tuple[str, ...]] = ()

    @property
    def required_permission(self) -> str:
        """Seeing, adding, changing and deleting are permissions of their own."""
        verb = _VERB.get(self.request.method or "", "view")
        return f"cameras.{verb}_{self.model._meta.model_name}"

    def get_queryset(self) -> QuerySet[Row]:
        """Rows that the caller may see."""
        rows = cast(Any, self.model._default_manager)
        if getattr(self, "swagger_fake_view", False):
            return cast(QuerySet[Row], rows.none())
        found = rows.visible_to(self.request.user)
        return cast(QuerySet[Row], found.select_related(*self.related).prefetch_related(*self.collected))

    def writer(self) -> dict[str, Any]:
        """Who writes, and from where."""
        return {"by": cast(User, self.request.user), "ip_address": client_address(self.request)}


class ConfigListView(_ConfigView[Row], generics.ListCreateAPIView[Row]):
    """A list, and new rows."""

    pagination_class = ConfigPagination
    query_class: type[ConfigQuery]
    searched: ClassVar[tuple[str, ...]] = ("name",)
    lookups: ClassVar[dict[str, str]] = {}
    """Names of filters that are not names of columns."""
    detail: str
    query: dict[str, Any]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of rows."""
        query = self.query_class(data=request.query_params)
        query.is_valid(raise_exception=True)
        self.query = query.validated_data
        return super().list(request, *args, **kwargs)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows asked for."""
        asked = dict(self.query)
        asked.pop("ordering")
        if words := asked.pop("search"):
            found = Q()
            for name in self.searched:
                found |= Q(**{f"{name}__icontains": words})
            queryset = queryset.filter(found)
        wanted = {self.lookups.get(name, name): value for name, value in asked.items()}
        return queryset.filter(**{name: value for name, value in wanted.items() if value not in ("", None)})

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Store a new row: 201 with its address and ETag."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        zones = data.pop("zones", ())
        with told():
            row = services.create_config(self.model(**data), zones=zones, **self.writer())
        link = reverse(f"api:{self.detail}", args=[row.pk], request=request)
        headers = {"Location": link, "ETag": etag(row.pk, row.revision)}
        shown = self.get_serializer(row).data
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)


class ConfigView(_ConfigView[Row], generics.RetrieveUpdateDestroyAPIView[Row]):
    """One row."""

    fixed: ClassVar[tuple[str, ...]] = ()
    """What stays as it was made."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The row with its ETag."""
        return self._answer(self.get_object())

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the row: the row as it is now, with its new ETag."""
        row = self.get_object()
        revision = seen_revision(request, row.pk, row.revision)
        serializer = self.get_serializer(row, data=request.data, partial=kwargs.get("partial", False))
        serializer.is_valid(raise_exception=True)
        changes = serializer.validated_data
        for name in self.fixed:
            if name in changes and changes[name] != getattr(row, name):
                raise refused(name, "fixed", _("This cannot be changed: make a new one."))
        with told():
            services.change_config(row, changes=changes, revision=revision, **self.writer())
        return self._answer(self.get_object())

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete the row; 409 where others need it."""
        row = self.get_object()
        revision = seen_revision(request, row.pk, row.revision)
        with told():
            services.delete_config(row, revision=revision, **self.writer())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, row: Row) -> Response:
        return Response(self.get_serializer(row).data, headers={"ETag": etag(row.pk, row.revision)})


@contextmanager
def told() -> Iterator[None]:
    """What services refuse, as the API's own errors."""
    try:
        yield
    except Invalid as error:
        raise ValidationError(_details(error)) from error
    except services.StaleError as error:
        raise StaleError from error
    except services.ConflictError as error:
        raise ConflictError from error
    except services.InUseError as error:
        text = _("Passages, sensors or cameras need this: it stays. It can be disabled instead.")
        raise ConflictError(text, code="in_use") from error
    except models.ObjectDoesNotExist as error:
        raise Http404 from error


def _details(error: Invalid) -> dict[str, list[ErrorDetail]]:
    """Errors of a model by field, with their codes; of no field: under ""."""
    return {
        "" if field == NON_FIELD_ERRORS else field: [
            ErrorDetail(message, code=one.code or "invalid") for one in errors for message in one.messages
        ]
        for field, errors in error.error_dict.items()
    }


def _described(noun: str, shown: type[serializers.Serializer[Any]], query: type[ConfigQuery]) -> Any:
    """How OpenAPI tells of a list."""
    return extend_schema_view(
        get=extend_schema(parameters=[query], summary=f"A page of {noun}"),
        post=extend_schema(parameters=[_TAGGED], responses={201: shown} | _WRITE_REFUSALS),
    )


def _described_one(shown: type[serializers.Serializer[Any]]) -> Any:
    """How OpenAPI tells of a single row."""
    write = extend_schema(parameters=[_SEEN, _TAGGED], responses={200: shown} | _WRITE_REFUSALS)
    return extend_schema_view(
        get=extend_schema(parameters=[_TAGGED], responses={200: shown} | _REFUSALS),
        put=write,
        patch=write,
        delete=extend_schema(parameters=[_SEEN], responses={204: None} | _WRITE_REFUSALS),
    )


@_described("cameras", CameraSerializer, CameraQuery)
class CameraListView(ConfigListView[Camera]):
    """Cameras."""

    model = Camera
    serializer_class = CameraSerializer
    query_class = CameraQuery
    searched = ("name", "code", "location_name", "address")
    detail = "config-camera"


@_described_one(CameraSerializer)
class CameraView(ConfigView[Camera]):
    """One camera."""

    model = Camera
    serializer_class = CameraSerializer


@_described("zones", ZoneSerializer, ZoneQuery)
class ZoneListView(ConfigListView[Zone]):
    """Zones."""

    model = Zone
    related = ("camera",)
    serializer_class = ZoneSerializer
    query_class = ZoneQuery
    lookups = {"camera": "camera__code"}
    detail = "config-zone"


@_described_one(ZoneSerializer)
class ZoneView(ConfigView[Zone]):
    """One zone."""

    model = Zone
    related = ("camera",)
    serializer_class = ZoneSerializer
    fixed = ("camera",)


@_described("recognition models", ModelConfigSerializer, ModelQuery)
class ModelListView(ConfigListView[ModelConfig]):
    """Recognition models."""

    model = ModelConfig
    serializer_class = ModelConfigSerializer
    query_class = ModelQuery
    searched = ("name", "version")
    detail = "config-model"


@_described_one(ModelConfigSerializer)
class ModelView(ConfigView[ModelConfig]):
    """One recognition model."""

    model = ModelConfig
    serializer_class = ModelConfigSerializer


@_described("sensors", SensorSerializer, SensorQuery)
class SensorListView(ConfigListView[SensorSettings]):
    """Sensors."""

    model = SensorSettings
    related = ("camera", "api_key")
    collected = ("zones",)
    serializer_class = SensorSerializer
    query_class = SensorQuery
    searched = ("name", "code")
    lookups = {"camera": "camera__code"}
    detail = "config-sensor"


@_described_one(SensorSerializer)
class SensorView(ConfigView[SensorSettings]):
    """One sensor."""

    model = SensorSettings
    related = ("camera", "api_key")
    collected = ("zones",)
    serializer_class = SensorSerializer
