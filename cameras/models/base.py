"""What all configured rows have: a revision, and `visible_to`."""

from typing import ClassVar, Generic, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may

RowT = TypeVar("RowT", bound=models.Model)


class ConfiguredQuerySet(models.QuerySet[RowT], Generic[RowT]):
    """Questions asked of all that is configured."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """What `user` may see by role."""
        return self if may(user, f"cameras.view_{self.model._meta.model_name}") else self.none()


class Configured(models.Model):
    """A row that people configure. Services raise `revision` with each write, so that no update is lost."""

    noun: ClassVar[str]
    """What the audit trail calls it."""

    revision = models.PositiveIntegerField(_("revision"), default=1, db_default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        abstract = True
