"""The API's one error format: {"detail", "timestamp", "errors"}."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

logger = logging.getLogger(__name__)


class DatabaseAwayError(APIException):
    """The database does not answer: nothing was stored, and the sender should try again."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = gettext_lazy("The database is away: nothing was stored. Try again in a moment.")
    default_code = "database_away"
    wait = 5
    """Seconds after which to try again (header Retry-After)."""


class TooLargeError(APIException):
    """A body above the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = gettext_lazy("The request is too large.")
    default_code = "too_large"


def as_api_error(error: Exception) -> Exception:
    """What Django and the database raise while a request is read or handled, as the API's own errors."""
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("the database is away: %s", type(error).__name__)
        return DatabaseAwayError()
    if isinstance(error, RequestDataTooBig):
        return TooLargeError()
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        return ParseError(_("The form has too many fields or files."))
    return error


def body(detail: str, errors: Any = None) -> dict[str, Any]:
    """The error body. `errors`: a list of {"field", "code", "message"}, empty when there is none."""
    return {"detail": detail, "timestamp": timezone.now().isoformat(), "errors": errors or []}


def flatten(detail: Any, field: str = "") -> list[dict[str, str]]:
    """DRF's nested error details as a flat list; nested fields are joined with a dot."""
    if isinstance(detail, dict):
        return [
            row
            for name, value in detail.items()
            for row in flatten(value, f"{field}.{name}" if field else str(name))
        ]
    if isinstance(detail, list):
        return [
            row
            for number, value in enumerate(detail)
            for row in flatten(value, f"{field}.{number}" if isinstance(value, dict) and field else field)
        ]
    # A message may repeat what was sent, of which half a surrogate pair cannot be sent back.
    message = str(detail).encode(errors="replace").decode()
    return [{"field": field, "code": getattr(detail, "code", "invalid"), "message": message}]


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler. Unknown errors stay unhandled (500) and are logged with their trace."""
    error = as_api_error(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        errors = flatten(error.detail)
        response.data = body(_("The request has errors: nothing was stored."), errors)
    else:
        detail = error.detail if isinstance(error, APIException) else response.data.get("detail", "")
        code = getattr(detail, "code", "")
        response.data = body(
            str(detail), [{"field": "", "code": code, "message": str(detail)}] if code else []
        )
    request = context["request"]
    codes = ",".join(sorted({f"{row['field']}:{row['code']}" for row in response.data["errors"]}))
    logger.warning("%s %s refused: %s %s", request.method, request.path, response.status_code, codes)
    return response


def json_error(request: HttpRequest, status: int, detail: str) -> JsonResponse:
    """The same body outside DRF: unknown address, unreadable request, server error."""
    return JsonResponse(body(detail), status=status)
