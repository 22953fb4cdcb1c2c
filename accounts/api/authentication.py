"""Who calls the API: a sensor by its key, or a person by session."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey, User, token_in


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


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Api-Key PREFIX.SECRET` (or the header `X-API-Key`)."""

    keyword = "Api-Key"

    def authenticate(self, request: Request) -> tuple[SensorUser, ApiKey] | None:
        """The key's holder; None when no key is sent. Raises AuthenticationFailed for a wrong one."""
        token = token_in(request.headers)
        if not token:
            return None
        key = ApiKey.objects.of_token(token)
        if key is None:
            raise AuthenticationFailed(_("API key unknown, revoked or expired."), code="wrong_key")
        # Once a minute is enough for "last used", and spares a write per event.
        now = timezone.now()
        ApiKey.objects.filter(
            Q(last_used_at=None) | Q(last_used_at__lt=now - timedelta(minutes=1)), pk=key.pk
        ).update(last_used_at=now)
        return SensorUser(key), key

    def authenticate_header(self, request: Request) -> str:
        """Makes a refusal a 401 that tells how to log in."""
        return self.keyword


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with CSRF check; inactive accounts are out."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The session's user, or None."""
        return super().authenticate(request)
