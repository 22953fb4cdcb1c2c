"""The cursors of the feed."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FeedCursor(models.Model):
    """How far a consumer has read the feed: (transaction, passage), in ingest order."""

    consumer = models.CharField(_("consumer"), max_length=64, primary_key=True)
    xid = models.BigIntegerField(default=0)
    detection_id = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("feed cursor")
        verbose_name_plural = _("feed cursors")

    def __str__(self) -> str:
        return f"{self.consumer} at ({self.xid}, {self.detection_id})"
