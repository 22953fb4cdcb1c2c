"""Passages, their corrections and waiting photos in the console: to be read, never edited."""

from typing import Any, TypeVar, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.templatetags.wording import lasting, number
from accounts.views import audit_look
from detections import feed
from detections.models import Correction, Detection, FeedCursor, Submission
from detections.partitions import TABLE

ModelT = TypeVar("ModelT", bound=models.Model)


class EstimatedPaginator(Paginator[Any]):
    """Never counts millions: exact up to a limit, above it the planner's estimate for the whole table."""

    limit = 10_000

    @cached_property
    def count(self) -> int:
        """Rows, exact up to `limit`, estimated above it."""
        rows = cast("QuerySet[Any]", self.object_list)
        exact = len(rows.order_by().values_list("pk")[: self.limit + 1])
        if exact <= self.limit:
            return exact
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_inherits i "
                "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
                [TABLE],
            )
            return max(self.limit, int(cursor.fetchone()[0]))


class ReadOnlyAdmin(admin.ModelAdmin[ModelT]):
    """Shows rows that services alone write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ModelT | None = None) -> bool:
        """Nobody edits by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModelT | None = None) -> bool:
        """Nobody deletes by hand."""
        return False


class WatchedAdmin(ReadOnlyAdmin[ModelT]):
    """Rows that tell of a person's movements: each look is written to the audit trail.

    There is no search here, nor a plate in the address: the pages ask for the reason of a search first.
    """

    look = ""
    """Name of a look in the audit trail, e.g. "passage.view"."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the filters that are shown."""
        return lookup.split("__")[0] in self.list_filter

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One row, with the audit row."""
        target = self.get_object(request, object_id)
        if target is not None:
            audit_look(request, action=self.look, target=target)
        return super().change_view(request, object_id, form_url, extra_context)


@admin.register(Detection)
class DetectionAdmin(WatchedAdmin[Detection]):
    """Passages, newest first."""

    look = "passage.view"

    list_display = ("detected_at", "plate_number", "camera", "confidence_percent", "layout", "source")
    list_filter = ("source", "layout")
    list_select_related = ("camera",)
    show_full_result_count = False
    paginator = EstimatedPaginator
    exclude = ("image_data",)

    @admin.display(description=_("confidence"), ordering="confidence")
    def confidence_percent(self, passage: Detection) -> str:
        """Confidence as an officer reads it."""
        return f"{passage.confidence:.0%}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Detection]:
        """Only what the role may see, without images."""
        return super().get_queryset(request).visible_to(request.user).defer("image_data")  # type: ignore[attr-defined, no-any-return]


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin[Submission]):
    """Photos on their way through recognition."""

    list_display = ("created_at", "camera", "status", "attempts", "error")
    list_filter = ("status",)
    list_select_related = ("camera",)


@admin.register(Correction)
class CorrectionAdmin(WatchedAdmin[Correction]):
    """What officers said of reads, newest first."""

    look = "correction.view"

    list_display = ("created_at", "kind", "plate_number", "detected_at", "created_by", "case_reference")
    list_filter = ("kind",)
    list_select_related = ("created_by",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Correction]:
        """Only what the role may see."""
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined, no-any-return]


@admin.register(FeedCursor)
class FeedCursorAdmin(ReadOnlyAdmin[FeedCursor]):
    """How far each consumer has read, and whether it stands still."""

    list_display = ("consumer", "stream", "place", "waiting", "failures", "failing_since", "updated_at")

    @admin.display(description=_("place"))
    def place(self, cursor: FeedCursor) -> str:
        """As `manage.py feed replay --to-cursor` takes it."""
        return f"{cursor.xid}-{cursor.row_id}"

    @admin.display(description=_("waiting"))
    def waiting(self, cursor: FeedCursor) -> str:
        """How many rows, and for how long the oldest."""
        try:
            lag = feed.lag(cursor.consumer)
        except feed.FeedMovedError:
            return gettext("restored data: run rebase_feed")
        rows = f"{number(lag.passages)}+" if lag.more else number(lag.passages)
        return f"{rows} ({lasting(lag.seconds)})" if lag.passages else rows
