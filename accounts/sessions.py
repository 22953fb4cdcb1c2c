"""Who is behind a connection that stays open: asked again, because it outlives log-outs and revocations."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from accounts.models import User


def account_of(session_key: str | None) -> User | None:
    """The account of a session as the tables have it now; None once it was logged out or has run out."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user: User | None = User.objects.filter(pk=session.get(SESSION_KEY)).first()
    mark = session.get(HASH_SESSION_KEY, "")
    return user if user and constant_time_compare(mark, user.get_session_auth_hash()) else None
