"""Log-in and log-out, and what every page needs to leave a trace: who asks, from where, once an hour."""

import ipaddress
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.forms import LogInForm
from accounts.models import User
from accounts.services import audit, audit_once


def client_address(request: HttpRequest) -> str | None:
    """Where a request comes from; behind a trusted proxy, the address that the proxy saw."""
    return address_behind(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))


def address_behind(remote: str, forwarded: str) -> str | None:
    """The caller's address: `remote` connected; `forwarded` counts where a trusted proxy adds it."""
    address = remote
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        address = forwarded.rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def person(request: HttpRequest) -> User:
    """The account of a request that LoginRequiredMiddleware let in."""
    return cast(User, request.user)


def audit_look(
    request: HttpRequest,
    *,
    action: str,
    target: models.Model | None = None,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Note that this person looked something up: see `accounts.services.audit_once`."""
    audit_once(
        by=person(request),
        action=action,
        target=target,
        reason=reason,
        details=details,
        ip_address=client_address(request),
    )


class LogIn(LoginView):
    """Log-in by e-mail or user name; each attempt leaves an audit row, without what was typed."""

    form_class = LogInForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Open the session."""
        response = super().form_valid(form)
        audit(by=person(self.request), action="session.login", ip_address=client_address(self.request))
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Refuse. A keyed hash of the name shows a series of attempts on one account, not the name itself."""
        name = str(form.data.get("username", "")).strip().lower()
        mark = salted_hmac("session.login_failed", name, algorithm="sha256").hexdigest()[:16]
        audit(
            by=None,
            action="session.login_failed",
            details={"name_hmac": mark},
            ip_address=client_address(self.request),
        )
        return super().form_invalid(form)


class LogOut(LogoutView):
    """Log-out, by POST only."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Close the session."""
        audit(by=person(request), action="session.logout", ip_address=client_address(request))
        return super().post(request, *args, **kwargs)
