"""App configuration of accounts."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Makes the log-in schemes known to the API's schema."""

    name = "accounts"
    verbose_name = _("Accounts and audit")

    def ready(self) -> None:
        """Registering is a side effect of the import."""
        import accounts.api.schema  # noqa: F401
