"""What the search of passages keeps: the dictionary of plates seen, and searches that people saved."""

import uuid
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may
from vehicles.models import PLATE_REGEX, PlateField


class SeenPlate(models.Model):
    """A plate text that some passage carries, with the first and the last day (UTC) it was seen.

    Far fewer rows than passages: patterns and near misses are looked up here, then the passages of the few
    plates found by their own index. Kept by a consumer of the feed (`detections.search.dictionary`).
    """

    plate_number = PlateField(_("plate"), primary_key=True)
    plate_key = models.CharField(max_length=16)
    first_seen = models.DateField(_("first seen"))
    last_seen = models.DateField(_("last seen"))

    class Meta:
        verbose_name = _("plate seen")
        verbose_name_plural = _("plates seen")
        indexes = (
            # Whole plates and beginnings: the two indexes of a text primary key.
            GinIndex(fields=["plate_number"], name="seenplate_infix", opclasses=["gin_trgm_ops"]),
            models.Index(fields=["plate_key"], name="seenplate_key"),
            models.Index(fields=["last_seen"], name="seenplate_last"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(plate_number__regex=PLATE_REGEX), name="seenplate_normalised"
            ),
            models.CheckConstraint(
                condition=models.Q(last_seen__gte=models.F("first_seen")), name="seenplate_in_order"
            ),
        )

    def __str__(self) -> str:
        return self.plate_number


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    """Questions asked of saved searches."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, while one may search."""
        return self.filter(owner_id=user.pk) if may(user, "detections.view_detection") else self.none()


class SavedSearch(models.Model):
    """What a person searches again and again: the criteria, neither the reason nor what was found."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("whose"))
    name = models.CharField(_("name"), max_length=80)
    criteria = models.JSONField(_("criteria"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects: ClassVar[models.Manager["SavedSearch"]] = SavedSearchQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved search")
        verbose_name_plural = _("saved searches")
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=["owner", "name"], name="saved_search_once"),)

    def __str__(self) -> str:
        return self.name
