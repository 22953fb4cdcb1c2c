"""Log-in by e-mail or user name; permissions from the role."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import User


class RoleBackend(BaseBackend):
    """Django authentication backend of the product."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The active user with this e-mail or user name and password, else None.

        An unknown name costs one hash too, so that the answer time does not tell who has an account.
        """
        name = username or kwargs.get(User.USERNAME_FIELD)
        if not name or password is None:
            return None
        user: User | None = User.objects.filter(Q(email__iexact=name) | Q(username__iexact=name)).first()
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The active user of a session, else None: a closed account is out at its next request."""
        user: User | None = User.objects.filter(pk=user_id, is_active=True).first()
        return user
