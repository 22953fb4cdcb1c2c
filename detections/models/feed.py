"""The cursors of the feed."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FeedCursor(models.Model):
    """How far a consumer has read its stream of the feed: (transaction, row), in ingest order.

    `failures` counts attempts in a row at the row after the cursor that the consumer could not take.
    """

    consumer = models.CharField(_("consumer"), max_length=64, primary_key=True)
    stream = models.CharField(_("stream"), max_length=16, default="passages", db_default="passages")
    xid = models.BigIntegerField(default=0)
    row_id = models.BigIntegerField(_("row"), default=0, db_column="detection_id")
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, db_default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    error = models.CharField(_("error"), max_length=100, default="", db_default="")
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("feed cursor")
        verbose_name_plural = _("feed cursors")

    def __str__(self) -> str:
        return f"{self.consumer} at ({self.xid}, {self.row_id})"
