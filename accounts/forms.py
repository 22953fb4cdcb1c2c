"""The log-in form."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class LogInForm(AuthenticationForm):
    """Asks for e-mail or user name, and says in one sentence when they don't fit."""

    error_messages = {
        "invalid_login": _("No active account has this name and this password. Check both and try again."),
        "inactive": _("No active account has this name and this password. Check both and try again."),
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        """Django's form with our labels; an account may be named by either of two fields."""
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("E-mail address or user name")
        self.fields["password"].label = _("Password")
        for field in self.fields.values():
            field.widget.attrs["class"] = "field__input"
            if self.is_bound and self.errors:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": "login-error"}
