"""Writes of accounts: the audit trail, API keys, accounts and their passwords."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, User


def audit(
    *,
    by: User | None,
    action: str,
    target: models.Model | None = None,
    reason: str = "",
    case_reference: str = "",
    details: dict[str, Any] | None = None,
    ip_address: str | None = None,
) -> AuditEvent:
    """Append one line to the audit trail, in the transaction of what it tells about.

    `by` is None for what the system does by itself. `action` is "noun.verb", e.g. "alert.acknowledge".
    """
    return AuditEvent.objects.create(
        actor=by,
        actor_name=str(by) if by else "",
        action=action,
        target_type=target._meta.label if target else "",
        target_id=str(target.pk) if target else "",
        reason=reason,
        case_reference=case_reference,
        details=details or {},
        ip_address=ip_address,
    )


ONCE_WITHIN = timedelta(hours=1)
"""Looking at the same thing again within this time leaves no second row in the audit trail."""


def audit_once(
    *,
    by: User | None,
    action: str,
    target: models.Model | None = None,
    reason: str = "",
    case_reference: str = "",
    details: dict[str, Any] | None = None,
    outcome: dict[str, Any] | None = None,
    ip_address: str | None = None,
) -> None:
    """Note a look: once an hour for the same person, action, target, reason, case and details.

    `outcome` is what came of it, kept in the details too: another one makes no second row.
    """
    noted = AuditEvent.objects.filter(
        actor=by,
        action=action,
        target_type=target._meta.label if target else "",
        target_id=str(target.pk) if target else "",
        reason=reason,
        case_reference=case_reference,
        at__gte=timezone.now() - ONCE_WITHIN,
    )
    asked = details or {}
    # In the database `contains` takes a part of a list for the list; what is left is compared whole.
    earlier = noted.filter(details__contains=asked).values_list("details", flat=True)
    if not any(asked == {name: row[name] for name in row if name not in (outcome or {})} for row in earlier):
        audit(
            by=by,
            action=action,
            target=target,
            reason=reason,
            case_reference=case_reference,
            details={**(details or {}), **(outcome or {})},
            ip_address=ip_address,
        )


@transaction.atomic
def create_api_key(
    *, name: str, scopes: Sequence[str], by: User | None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its token. The token cannot be had again: only its hash is kept."""
    token, prefix, hashed = ApiKey.make_token()
    key = ApiKey.objects.create(
        name=name, prefix=prefix, hashed_secret=hashed, scopes=scopes, created_by=by, expires_at=expires_at
    )
    audit(by=by, action="api_key.create", target=key, details={"scopes": [str(scope) for scope in scopes]})
    return key, token


@transaction.atomic
def revoke_api_key(key: ApiKey, *, by: User, reason: str = "") -> None:
    """The key is refused from now on; a second call changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit(by=by, action="api_key.revoke", target=key, reason=reason)


@transaction.atomic
def save_account(user: User, *, changed: list[str], created: bool, by: User) -> None:
    """Save an account from a form, with the audit row: the fields that changed, never a password."""
    user.save()
    details = {"fields": changed} | ({"role": user.role} if created or "role" in changed else {})
    audit(by=by, action="user.create" if created else "user.change", target=user, details=details)


def note_password(user: User, *, by: User) -> None:
    """The audit row of a password that `by` has just set, or taken away; call it in the same transaction."""
    audit(by=by, action="user.password", target=user, details={"usable": user.has_usable_password()})
