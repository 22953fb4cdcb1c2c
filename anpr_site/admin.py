"""The operator console: Django's admin under the product's own name and tokens."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.views import LogOut


class Console(AdminSite):
    """One console for all apps; the log-in page is the product's own."""

    site_header = "ANPR Bénin"
    site_title = "ANPR Bénin"
    index_title = _("Operator console")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Any active account may enter; what it sees and does there follows its role."""
        return bool(request.user.is_active and request.user.is_authenticated)

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
