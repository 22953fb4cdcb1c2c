"""Who calls the API: a sensor by its key, or a person by session."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey, User

_FIELDS = [field.attname for field in ApiKey._meta.concrete_fields]
_KEY = f"SELECT {', '.join(_FIELDS)} FROM accounts_apikey WHERE prefix = %s"  # noqa: S608 (constants only)


class SensorUser:
    """The caller behind an API key: authenticated, without account or role."""

    is_authenticated = True
    is_active = True
    is_anonymous = False
    pk = None

    def __init__(self, key: ApiKey) -> None:
        """Stands for the holder of `key`."""
        self.key = key

    def __str__(self) -> str:
        return str(self.key)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """A key holds scopes, never a role's permissions."""
        return False


def sent_token(headers: Mapping[str, Any]) -> str:
    """The token in the request's META; empty when no key is sent."""
    authorization = headers.get("HTTP_AUTHORIZATION", "")
    if authorization[:8].lower() == "api-key ":
        return str(authorization[8:])
    return str(headers.get("HTTP_X_API_KEY", ""))


def usable_key(token: str) -> ApiKey | None:
    """The key of this token, neither revoked nor expired as the table has it now; None otherwise."""
    prefix, _dot, secret = token.strip().partition(".")
    # A prefix is letters and digits; anything else (NUL among it) is not worth a query.
    if not (prefix.isascii() and prefix.isalnum()):
        return None
    # In SQL: for each event of each sensor, Django takes longer to compile a query than PostgreSQL to answer.
    with connection.cursor() as cursor:
        cursor.execute(_KEY, [prefix])
        row = cursor.fetchone()
    key = ApiKey.from_db("default", _FIELDS, row) if row else None
    if key is None or not key.is_usable or not key.matches(secret):
        return None
    # Once a minute is enough for "last used", and spares a write per event.
    now, minute = timezone.now(), timedelta(minutes=1)
    if key.last_used_at is None or key.last_used_at < now - minute:
        ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=now - minute), pk=key.pk).update(
            last_used_at=now
        )
    return key


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Api-Key PREFIX.SECRET` (or the header `X-API-Key`)."""

    keyword = "Api-Key"

    def authenticate(self, request: Request) -> tuple[SensorUser, ApiKey] | None:
        """The key's holder; None when no key is sent. Raises AuthenticationFailed for a wrong one."""
        token = sent_token(request.META)
        if not token:
            return None
        key = usable_key(token)
        if key is None:
            raise AuthenticationFailed(_("API key unknown, revoked or expired."), code="wrong_key")
        return SensorUser(key), key

    def authenticate_header(self, request: Request) -> str:
        """Makes a refusal a 401 that tells how to log in."""
        return self.keyword


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with CSRF check; inactive accounts are out."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The session's user, or None."""
        return super().authenticate(request)
