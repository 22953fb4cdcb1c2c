"""Accounts: users and their roles, API keys of sensors, the audit trail."""

import hashlib
import secrets
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.roles import Role


def may(user: "User | AnonymousUser", permission: str) -> bool:
    """True when `user` is active and holds `permission`: the root of every `visible_to`."""
    return bool(user.is_active and user.has_perm(permission))


class UserQuerySet(models.QuerySet["User"]):
    """Questions asked of accounts."""

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Accounts that `user` may see: all for who may manage them, otherwise one's own."""
        if may(user, "accounts.view_user"):
            return self
        return self.filter(pk=user.pk) if user.is_active else self.none()


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Creates accounts with normalised e-mail and hashed password."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A saved account. Raises ValueError without e-mail."""
        if not email:
            raise ValueError("An account needs an e-mail address.")
        fields.setdefault("username", email.split("@")[0])
        user: User = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An administrator, for `manage.py createsuperuser`."""
        return self.create_user(email, password, **{**fields, "role": Role.ADMIN})


class User(AbstractBaseUser):
    """A person with an account (document A `users`, with user name and preferences from E)."""

    email = models.EmailField(_("e-mail address"), unique=True)
    username = models.CharField(
        _("user name"), max_length=150, unique=True, validators=[UnicodeUsernameValidator()]
    )
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.VIEWER)
    is_active = models.BooleanField(_("active"), default=True)
    preferences = models.JSONField(_("preferences"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["username"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("last_name", "first_name", "email")
        constraints = (
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_any_case",
                violation_error_message=_("Another account has this e-mail address."),
            ),
            models.UniqueConstraint(
                Lower("username"),
                name="user_name_any_case",
                violation_error_message=_(
                    "Another account has this user name: capitals and small letters count as the same."
                ),
            ),
        )

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    def get_full_name(self) -> str:
        """First and last name, possibly empty."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """First name, else the user name."""
        return self.first_name or self.username

    @property
    def is_staff(self) -> bool:
        """Every active account may open the console; its role decides what is there."""
        return self.is_active

    @property
    def is_superuser(self) -> bool:
        """Administrators; Django asks under this name."""
        return self.role == Role.ADMIN

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """True when this active account's role holds `perm` ("app.action_model")."""
        return self.is_active and roles.allows(self.role, perm)

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        """True when the role holds each of `perm_list`."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """True when the role may see anything of the app."""
        if self.role == Role.ADMIN:
            return self.is_active
        held = roles.OPERATOR if self.role == Role.OPERATOR else roles.VIEWER
        return self.is_active and any(perm.startswith(f"{app_label}.") for perm in held)


class Scope(models.TextChoices):
    """What an API key may do."""

    EVENTS_WRITE = "events:write", _("send passages and photos")
    EVENTS_READ = "events:read", _("read passages")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Questions asked of API keys."""

    def usable(self) -> Self:
        """Keys neither revoked nor expired."""
        return self.filter(revoked_at=None).exclude(expires_at__lte=timezone.now())

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """All for administrators, none for others."""
        return self if may(user, "accounts.view_apikey") else self.none()


class ApiKey(models.Model):
    """Key of a sensor or an integration: a public prefix and the hash of a secret shown once.

    The secret has 256 random bits, so that a plain SHA-256 is enough and a look-up costs microseconds.
    """

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    hashed_secret = models.CharField(_("hash of the secret"), max_length=64, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=32, choices=Scope), verbose_name=_("scopes"), default=list, blank=True
    )
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager["ApiKey"]] = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @staticmethod
    def make_token() -> tuple[str, str, str]:
        """(token to show once, prefix, hash of the secret)."""
        prefix, secret = f"anpr{secrets.token_hex(4)}", secrets.token_urlsafe(32)
        return f"{prefix}.{secret}", prefix, ApiKey.hash(secret)

    @staticmethod
    def hash(secret: str) -> str:
        """SHA-256 of `secret`, in hexadecimal."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @property
    def is_usable(self) -> bool:
        """Neither revoked nor expired: what `ApiKeyQuerySet.usable` asks of the table."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def matches(self, secret: str) -> bool:
        """Constant-time comparison of `secret` with the stored hash."""
        return secrets.compare_digest(self.hash(secret), self.hashed_secret)


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Questions asked of the audit trail."""

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """All for administrators, none for others."""
        return self if may(user, "accounts.view_auditevent") else self.none()


class AuditEvent(models.Model):
    """Who did or looked up what, when and why. Append-only: the database refuses UPDATE and DELETE."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("who")
    )
    actor_name = models.CharField(_("name then"), max_length=200, blank=True)
    action = models.CharField(_("what"), max_length=64)
    target_type = models.CharField(_("kind of object"), max_length=64, blank=True)
    target_id = models.CharField(_("object"), max_length=64, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    case_reference = models.CharField(_("case reference"), max_length=64, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)

    objects: ClassVar[models.Manager["AuditEvent"]] = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit trail")
        ordering = ("-at", "-pk")
        indexes = (
            models.Index(fields=["-at"], name="audit_at"),
            models.Index(fields=["actor", "-at"], name="audit_actor"),
            models.Index(fields=["target_type", "target_id"], name="audit_target"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"
