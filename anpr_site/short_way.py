"""The short way: what sensors send and programs read all day passes by sessions, languages and pages.

Each address here has a function that answers a usual request, or None; then it goes the long way through all
of Django and DRF, which gives the same answer, and knows every error. See docs/adr/0013.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from detections.api import events, ingest, statistics

SHORT_WAYS: dict[str, Callable[[HttpRequest], HttpResponse | None]] = {
    "/api/v1/events": events.quickly,
    "/api/v1/events/ingest": ingest.quickly,
    "/api/v1/events/stats": statistics.quickly,
}


class ShortWayMiddleware:
    """Stands behind SecurityMiddleware (HTTPS, headers) and before all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """`get_response`: the long way."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, one way or the other."""
        short = SHORT_WAYS.get(request.path_info)
        answer = short(request) if short else None
        if answer is None:
            return self.get_response(request)
        answer["Content-Length"] = str(len(answer.content))
        return answer
