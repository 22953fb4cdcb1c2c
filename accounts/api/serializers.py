"""What the serializers of all apps share: JSON that PostgreSQL can keep, and the shape of errors."""

import json
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.parsers import too_deep

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

MAX_JSON_BYTES = 16 * 1024
"""Largest JSON value of a field: a row is not a place for documents."""


def keepable(text: str) -> bool:
    """True for text that PostgreSQL takes: no NUL, no lone surrogate."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


class StrictJson(serializers.JSONField):
    """A JSON value of one type that PostgreSQL can keep; in a multipart form it is sent as text."""

    default_error_messages = {
        "too_large": _("The JSON value is too large."),
    }

    def __init__(self, kind: type, *, max_bytes: int = MAX_JSON_BYTES, **kwargs: Any) -> None:
        """`kind`: list or dict."""
        self.kind = kind
        self.max_bytes = max_bytes
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Parse text; refuse another type, NaN, NUL characters, lone surrogates and what is too large."""
        try:
            value = json.loads(data) if isinstance(data, str) else data
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
            size = len(text.encode())
        except (ValueError, RecursionError):
            self.fail("invalid")
        if not isinstance(value, self.kind) or "\\u0000" in text or too_deep(value):
            self.fail("invalid")
        if size > self.max_bytes:
            self.fail("too_large")
        return value


def refused(field: str, code: str, message: "str | StrPromise") -> serializers.ValidationError:
    """An error of one field that a rule over several fields found."""
    return serializers.ValidationError({field: [serializers.ErrorDetail(str(message), code=code)]})


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error of the API."""

    detail = serializers.CharField()
    timestamp = serializers.DateTimeField()
    errors = serializers.ListField(child=serializers.DictField(), default=list)  # type: ignore[assignment]
