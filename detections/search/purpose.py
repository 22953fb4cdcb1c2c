"""Why somebody searches: a reason always, a case where the role or the time asks for it; and the trace."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiKey, User
from accounts.services import audit_once
from detections.search.criteria import Criteria, SearchRefusedError
from detections.search.engine import Found

MIN_REASON = 3


@dataclass(frozen=True)
class Purpose:
    """Reason and case reference ("" for none), as they go to the audit trail."""

    reason: str
    case_reference: str = ""

    def check(self, criteria: Criteria, caller: User | ApiKey) -> None:
        """Raises SearchRefusedError when the reason is missing, or the case that this caller has to name."""
        if len(self.reason.strip()) < MIN_REASON:
            message = _("Say why you search: the reason is kept in the audit trail.")
            raise SearchRefusedError("reason", "required", message)
        check_case(self.case_reference, since=criteria.since, caller=caller)


def check_case(case_reference: str, *, since: datetime | None, caller: User | ApiKey) -> None:
    """Raises SearchRefusedError for a look-up that has to name its case, and does not.

    `since`: how far it reaches back, None: as far as passages are kept. List, export and stream of one
    plate's passages obey this as the search does.
    """
    if case_reference.strip():
        return
    if needs_case(caller):
        message = _("Name the case that you search for: it is kept in the audit trail.")
        raise SearchRefusedError("case_reference", "required", message)
    days = settings.SEARCH_CASE_REFERENCE_DAYS
    # An hour's grace: a form that stood open for a while asks for no more than it said.
    if since is None or since < timezone.now() - timedelta(days=days, hours=1):
        message = _("A search that reaches back more than %(days)d days names its case.")
        raise SearchRefusedError("case_reference", "required", message % {"days": days})


def needs_case(caller: User | ApiKey) -> bool:
    """Whether this caller names a case with each search: keys, and the roles that settings name."""
    return isinstance(caller, ApiKey) or caller.role in settings.SEARCH_CASE_REFERENCE_ROLES


def note(
    criteria: Criteria,
    purpose: Purpose,
    *,
    caller: User | ApiKey,
    found: Found | None,
    ip_address: str | None = None,
) -> None:
    """The audit row of a search; its other pages within an hour leave none. `found` None: it was ended."""
    key = {"api_key": caller.prefix} if isinstance(caller, ApiKey) else {}
    outcome: dict[str, Any] = {"results": None}
    if found is not None:
        outcome = {"results": len(found.matches), "more": found.older is not None, "plates": found.plates}
    audit_once(
        by=caller if isinstance(caller, User) else None,
        action="passage.search",
        reason=purpose.reason.strip(),
        case_reference=purpose.case_reference.strip(),
        details=criteria.as_json() | key,
        outcome=outcome,
        ip_address=ip_address,
    )
