"""App configuration of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Makes the log-in schemes known to the API's schema."""

    name = "accounts"

    def ready(self) -> None:
        """Registering is a side effect of the import."""
        import accounts.api.schema  # noqa: F401
