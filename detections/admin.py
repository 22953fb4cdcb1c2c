"""Passages, corrections, waiting photos: to be read, never edited. Rules of retention, certificates."""

from typing import Any, TypeVar, cast

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.templatetags.wording import lasting, number
from accounts.views import audit_look, person
from detections import feed
from detections.models import (
    LIMITS,
    Correction,
    DataKind,
    DeletionCertificate,
    Detection,
    FeedCursor,
    RetentionRule,
    Submission,
)
from detections.partitions import TABLE
from detections.retention import certificates, rules

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


class RetentionRuleForm(forms.ModelForm[RetentionRule]):
    """A number of days within the limits of its kind."""

    class Meta:
        model = RetentionRule
        fields = ("days",)

    def clean_days(self) -> int:
        """Within the limits; photos not longer than their passages."""
        wanted, kind = self.cleaned_data["days"], DataKind(self.instance.kind)
        limits = LIMITS[kind]
        most = rules.days(DataKind.READS) if kind == DataKind.IMAGES else limits.most
        if not limits.least <= wanted <= most:
            words = gettext("Between %(least)d and %(most)d days.")
            raise forms.ValidationError(words % {"least": limits.least, "most": most})
        return int(wanted)


@admin.register(RetentionRule)
class RetentionRuleAdmin(admin.ModelAdmin[RetentionRule]):
    """One rule for each kind of data."""

    form = RetentionRuleForm
    list_display = ("kind", "days", "limits", "updated_at")
    readonly_fields = ("kind", "limits", "updated_at")
    fields = ("kind", "days", "limits", "updated_at")

    @admin.display(description=_("limits (days)"))
    def limits(self, rule: RetentionRule) -> str:
        """Between what it may be set."""
        limits = LIMITS[DataKind(rule.kind)]
        return f"{limits.least}–{limits.most}"

    def save_model(
        self, request: HttpRequest, obj: RetentionRule, form: forms.ModelForm[RetentionRule], change: bool
    ) -> None:
        """With the audit row."""
        rules.change(DataKind(obj.kind), to=obj.days, by=person(request))


@admin.register(DeletionCertificate)
class DeletionCertificateAdmin(ReadOnlyAdmin[DeletionCertificate]):
    """Certificates, newest first; each can be kept as JSON."""

    list_display = ("started_at", "kind", "until", "rows", "images", "by", "finished_at", "as_json")
    list_filter = ("kind",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeletionCertificate]:
        """Only what the role may see."""
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined, no-any-return]

    @admin.display(description="JSON")
    def as_json(self, certificate: DeletionCertificate) -> SafeString:
        """To be kept."""
        address = reverse("admin:detections_deletioncertificate_json", args=[certificate.pk])
        return format_html('<a href="{}">{}</a>', address, gettext("Download"))

    def get_urls(self) -> list[URLPattern]:
        """With that of the JSON."""
        own = path(
            "<int:pk>/json",
            self.admin_site.admin_view(self.download),
            name="detections_deletioncertificate_json",
        )
        return [own, *super().get_urls()]

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The certificate as a file."""
        certificate = get_object_or_404(self.get_queryset(request), pk=pk)
        facts: dict[str, Any] = certificates.told(certificate)
        name = f"certificate-{certificate.pk}.json"
        return JsonResponse(facts, headers={"Content-Disposition": f'attachment; filename="{name}"'})
