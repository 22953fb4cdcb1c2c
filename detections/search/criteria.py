"""What is searched: the text and its mode, the time window, the cameras; and the rules these have to meet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from detections.models import DataKind
from detections.passages import MIN_PLATE_LENGTH
from detections.retention.rules import days, reads_cutoff
from recognition import plates

DEFAULT_WINDOW = timedelta(days=7)
MAX_EDITS = 2
MIN_FUZZY = 4
"""Two edits of a shorter plate meet half of all plates."""
MIN_START, MIN_RUN = 2, 3
"""What a pattern must tell for an index to help: two characters at its start, or three in a row."""
_WILDCARDS = re.compile(r"[*?]+")


class Mode(TextChoices):
    """How the text is compared with plates."""

    EXACT = "exact", gettext_lazy("Whole plate")
    WILDCARD = "wildcard", gettext_lazy("Part of a plate")
    FUZZY = "fuzzy", gettext_lazy("Near misses")


class SearchRefusedError(ValueError):
    """A search that is not made: the field at fault, a stable code, a sentence in the user's language."""

    def __init__(self, field: str, code: str, message: str) -> None:
        """`field` is named as the API names it."""
        super().__init__(message)
        self.field, self.code, self.message = field, code, message


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """A search. `plate` is as typed; `since` (included) and `until` (not included) are aware.

    `cameras` are keys of cameras, None for all. `area` is a GeoJSON Polygon or MultiPolygon in degrees, in
    which the cameras stand. `max_edits` (0 to 2) counts for the mode `fuzzy` only: 0 finds confusions alone.
    """

    mode: Mode
    plate: str
    since: datetime
    until: datetime
    cameras: tuple[int, ...] | None = None
    area: dict[str, Any] | None = None
    max_edits: int = 1

    @cached_property
    def text(self) -> str:
        """The plate or pattern, normalised; in a pattern `?` and `*` stay."""
        if self.mode != Mode.WILDCARD:
            return plates.normalise(self.plate)
        parts = re.split(r"([*?])", self.plate)
        text = "".join(part if part in ("*", "?") else plates.normalise(part) for part in parts)
        # "*?*" says no more than "?*": a run of wildcards has one star, at its end.
        return _WILDCARDS.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), text)

    @property
    def key(self) -> str:
        """The plate, folded: what near misses are counted from."""
        return plates.fold(self.plate)

    def check(self) -> None:
        """Raises SearchRefusedError for the first rule that is not met."""
        self._check_window()
        self._check_length()
        if self.mode == Mode.WILDCARD:
            self._check_pattern()
        if self.mode == Mode.FUZZY:
            self._check_edits()

    def _check_window(self) -> None:
        if self.since >= self.until:
            raise SearchRefusedError("from", "window_empty", _("The beginning must lie before the end."))
        if self.until > timezone.now() + timedelta(seconds=settings.CLOCK_TOLERANCE_SECONDS):
            raise SearchRefusedError("to", "in_the_future", _("The end lies in the future."))
        # A day more, so that "a year" asked for is a year, however long the form stood open.
        if self.since < reads_cutoff() - timedelta(days=1):
            message = _("Passages are kept for %(days)d days: begin later.")
            raise SearchRefusedError("from", "too_old", message % {"days": days(DataKind.READS)})

    def _check_length(self) -> None:
        known = len(_WILDCARDS.sub("", self.text))
        if known < MIN_PLATE_LENGTH:
            raise SearchRefusedError("plate", "too_short", _("Give at least 2 letters or digits."))
        if len(self.text) > plates.MAX_PLATE_LENGTH + self.text.count("*"):
            raise SearchRefusedError("plate", "too_long", _("No plate has more than 16 letters and digits."))

    def _check_pattern(self) -> None:
        runs = _WILDCARDS.split(self.text)
        if len(runs[0]) < MIN_START and max(map(len, runs)) < MIN_RUN:
            message = _("Give more: the first two characters, or three that follow each other.")
            raise SearchRefusedError("plate", "too_vague", message)

    def _check_edits(self) -> None:
        if not 0 <= self.max_edits <= MAX_EDITS:
            raise SearchRefusedError("max_edits", "out_of_range", _("0, 1 or 2 errors."))
        if self.max_edits and len(self.key) < MIN_FUZZY:
            message = _("Near misses need at least 4 letters and digits besides the country mark.")
            raise SearchRefusedError("plate", "too_short", message)

    def as_json(self) -> dict[str, Any]:
        """For the session, a saved search and the audit trail."""
        return {
            "mode": str(self.mode),
            "plate": self.text,
            "from": self.since.astimezone(UTC).isoformat(),
            "to": self.until.astimezone(UTC).isoformat(),
            "cameras": None if self.cameras is None else list(self.cameras),
            "area": self.area,
            "max_edits": self.max_edits if self.mode == Mode.FUZZY else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        since, until = parse_datetime(value["from"]), parse_datetime(value["to"])
        if since is None or until is None:
            raise ValueError("no time")
        return cls(
            mode=Mode(value["mode"]),
            plate=value["plate"],
            since=since,
            until=until,
            cameras=None if value["cameras"] is None else tuple(value["cameras"]),
            area=value["area"],
            max_edits=value["max_edits"] or 0,
        )
