"""The operator console: Django's admin under the product's own name and tokens."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class Console(AdminSite):
    """One console for all apps; the log-in page is the product's own."""

    site_header = "ANPR Bénin"
    site_title = "ANPR Bénin"
    index_title = _("Operator console")
    site_url = "/"
    login_template = "registration/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Any active account may enter; what it sees and does there follows its role."""
        return bool(request.user.is_active and request.user.is_authenticated)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Django's own context; the theme switch stays Django's, so nothing is added."""
        return super().each_context(request)
