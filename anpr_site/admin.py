"""The operator console: Django's admin under the product's own name and tokens."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.services import note_password
from accounts.views import LogOut, person

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class Console(AdminSite):
    """One console for all apps; the log-in page is the product's own."""

    site_header = "ANPR Bénin"
    site_title = "ANPR Bénin"
    index_title = _("Operator console")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Any active account may enter; what it sees and does there follows its role."""
        return bool(request.user.is_active and request.user.is_authenticated)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """No value of PostgreSQL holds a NUL: a filter with one is a bad request, not a server error."""

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if any("\0" in text for name, values in request.GET.lists() for text in (name, *values)):
                raise BadRequest("NUL in the address")
            return view(request, *args, **kwargs)

        return super().admin_view(cast(View, checked), cacheable)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one log-in, and it is audited: the product's own page."""
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(  # type: ignore[override]  # a redirect, where Django renders a page
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """There is one log-out too."""
        return LogOut.as_view()(request)

    @transaction.atomic
    def password_change(  # type: ignore[override]  # a redirect too, where the stubs know a page only
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One's own password; the change leaves an audit row."""
        account = person(request)
        before = account.password
        response = super().password_change(request, extra_context)
        if account.password != before:
            note_password(account, by=account)
        return response
