"""Forms with pictures: read once, and refused where they break off.

Django takes a form that breaks off for a whole one: half a plate would be stored, or a passage without the
event that comes behind its picture, and the sender's second try would be stored beside it.
"""

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext_lazy as _

FORM_ERROR = "anpr.form_error"
"""Where the request keeps what was wrong with a form that was read already."""
FORM_END = "anpr.form_end"
"""Where the request keeps the body that is watched."""
KEPT = 1024
"""Bytes of the end that are looked at; a boundary has 201 at most."""


class Watched:
    """A body that remembers how it ended."""

    def __init__(self, body: Any) -> None:
        """Nothing is read yet."""
        self._body = body
        self.end = b""

    def read(self, size: int = -1) -> bytes:
        """As the body's own."""
        return self._noted(self._body.read(size))

    def readline(self, size: int = -1) -> bytes:
        """As the body's own."""
        return self._noted(self._body.readline(size))

    def close(self) -> None:
        """As the body's own."""
        self._body.close()

    def _noted(self, piece: bytes) -> bytes:
        self.end = (self.end + piece)[-KEPT:]
        return piece


def watch(request: HttpRequest) -> None:
    """Prepare for `form_error`, before anything reads the form."""
    if request.content_type == "multipart/form-data" and FORM_END not in request.META:
        request.META[FORM_END] = request._stream = Watched(request._stream)  # type: ignore[assignment]


def form_error(request: HttpRequest) -> Exception | None:
    """Reads the form, where there is one; what is wrong with it, however often it is asked."""
    watched = request.META.get(FORM_END)
    if watched is None or FORM_ERROR in request.META:
        return request.META.get(FORM_ERROR)
    error: Exception | None = None
    try:
        request.POST  # noqa: B018 (reads it)
        closing = f"--{(request.content_params or {}).get('boundary', '')}--"
        if closing.encode(errors="replace") not in watched.end:
            error = MultiPartParserError(_("The form breaks off: send it again."))
    except (MultiPartParserError, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as found:
        error = found
    request.META[FORM_ERROR] = error
    return error
