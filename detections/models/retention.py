"""How long data are kept, and the proof of what was deleted."""

from typing import ClassVar, NamedTuple, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may


class DataKind(models.TextChoices):
    """Kinds of data with a retention of their own."""

    READS = "reads", _("Passages")
    IMAGES = "images", _("Photos of passages")
    SUBMISSIONS = "submissions", _("Photos sent in, once dealt with")
    ALERTS = "alerts", _("Resolved alerts")
    AUDIT = "audit", _("Audit trail")


class Limits(NamedTuple):
    """Days for which a kind is kept unless somebody decides otherwise, and between what they may decide."""

    default: int
    least: int
    most: int


LIMITS = {
    # Document A: one year. Never below what France gives its own system for reads without a match (15 days),
    # so that nobody empties the table by a slip; two years are twice what any compared country allows.
    DataKind.READS: Limits(365, 15, 730),
    # As long as the passages, or shorter: a photo shows more than a plate.
    DataKind.IMAGES: Limits(365, 1, 730),
    # A photo without a plate serves nobody; with one it is the passage's.
    DataKind.SUBMISSIONS: Limits(30, 1, 365),
    # Document A: six months.
    DataKind.ALERTS: Limits(180, 30, 1826),
    # Five years as proposed for Benin; two are the least that a comparable rule (LA Sheriff) asks for, and
    # the trigger on the table refuses less.
    DataKind.AUDIT: Limits(1826, 730, 3652),
}
"""Benin's law gives no figure: no longer than the purpose needs (loi 2017-20, art. 383-6 and 433)."""


def _within(kind: DataKind) -> Q:
    return Q(kind=kind.value, days__range=(LIMITS[kind].least, LIMITS[kind].most))


class RetentionRule(models.Model):
    """For how many days a kind of data is kept. Changed by `detections.retention.rules.change` only."""

    kind = models.CharField(_("data"), max_length=16, choices=DataKind, primary_key=True)
    days = models.PositiveIntegerField(_("days"))
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        ordering = ("kind",)
        constraints = (
            models.CheckConstraint(
                condition=_within(DataKind.READS)
                | _within(DataKind.IMAGES)
                | _within(DataKind.SUBMISSIONS)
                | _within(DataKind.ALERTS)
                | _within(DataKind.AUDIT),
                name="retention_within_limits",
            ),
        )

    def __str__(self) -> str:
        return str(DataKind(self.kind).label)


class CertificateQuerySet(models.QuerySet["DeletionCertificate"]):
    """Questions asked of certificates."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for administrators, none for others."""
        return self if may(user, "detections.view_deletioncertificate") else self.none()

    def unfinished(self) -> Self:
        """Their rows are gone, their files are not yet: the next run goes on."""
        return self.filter(finished_at=None).order_by("pk")


class DeletionCertificate(models.Model):
    """What was deleted, when, by which rule: append-only, each sealed with the one before.

    `digest` is the SHA-256 of what was deleted, `seal` that of this certificate and `previous`, the seal
    before it: one that is changed or taken away breaks the chain. `finished_at` alone is set later, once,
    when the files are gone too. Images and bytes are those that lay there when the rows went.
    """

    kind = models.CharField(_("data"), max_length=16, choices=DataKind)
    since = models.DateTimeField(_("from"), null=True)
    until = models.DateTimeField(_("to"))
    rows = models.PositiveBigIntegerField(_("rows"))
    images = models.PositiveBigIntegerField(_("images"))
    bytes = models.PositiveBigIntegerField(_("bytes of images"))
    digest = models.CharField(_("digest (SHA-256)"), max_length=64)
    days = models.PositiveIntegerField(_("rule applied (days)"))
    by = models.CharField(_("by"), max_length=200)
    started_at = models.DateTimeField(_("started"))
    previous = models.CharField(_("seal of the one before"), max_length=64, blank=True)
    seal = models.CharField(_("seal (SHA-256)"), max_length=64, unique=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects: ClassVar[models.Manager["DeletionCertificate"]] = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = _("deletion certificate")
        verbose_name_plural = _("deletion certificates")
        ordering = ("-pk",)
        # One certificate follows another: a second branch of the chain is refused.
        constraints = (models.UniqueConstraint(fields=["previous"], name="certificate_chain"),)

    def __str__(self) -> str:
        return f"{DataKind(self.kind).label} {self.until:%Y-%m-%d} {self.seal[:12]}"
