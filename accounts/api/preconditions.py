"""Lost updates: who writes says which revision was seen, and is refused when another came in between.

GET answers with `ETag: "<number>-<revision>"`. PUT, PATCH and DELETE need `If-Match` with it: without it 428,
with that of an older revision 412. `If-Match: *` overwrites whatever is there, on purpose.
"""

from django.utils.http import parse_etags
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request


class ConflictError(APIException):
    """What is asked for contradicts what is stored."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("This contradicts what is stored: nothing was changed.")
    default_code = "conflict"


class StaleError(APIException):
    """Somebody else wrote in between."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = _(
        "Somebody else has changed this meanwhile: nothing was changed. Read it again, then repeat."
    )
    default_code = "stale"


class PreconditionRequiredError(APIException):
    """A write that does not say which revision it was made for."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = _("Send the header If-Match with the ETag that you were given: nothing was changed.")
    default_code = "if_match_required"


def etag(pk: int, revision: int) -> str:
    """The ETag of a row's configuration at this revision."""
    return f'"{pk}-{revision}"'


def seen_revision(request: Request, pk: int, current: int) -> int | None:
    """The revision that the writer of a row has seen; None when any will do (`If-Match: *`).

    `current` is the row's revision as it was just read; who writes compares once more under a lock. Raises
    PreconditionRequiredError and StaleError.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise PreconditionRequiredError
    if header == "*":
        return None
    # A weak tag (W/"...") never matches: RFC 9110 asks for strong comparison here.
    if etag(pk, current) not in parse_etags(header):
        raise StaleError
    return current
