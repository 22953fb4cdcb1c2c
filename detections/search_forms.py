"""The form of the search page."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cameras.geometry import Space, check_geometry
from cameras.models import Camera
from detections.search import Criteria, Mode, SearchRefusedError
from detections.search.purpose import Purpose, needs_case

PERIODS = {
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "365d": timedelta(days=365),
}
_NUMBER = re.compile(r"-?\d{1,3}(?:[.,]\d{1,8})?")
_FIELDS = {"from": "since", "to": "until"}
"""Names of the API that the form has another for."""
KEPT = ("mode", "plate", "max_edits", "period", "since", "until", "cameras", "area")
"""What a saved search keeps: never the reason or the case."""


class SearchForm(forms.Form):
    """What is searched and why; `criteria` and `purpose` once it is valid."""

    mode = forms.ChoiceField(
        label=_("How to compare"), choices=Mode.choices, initial=Mode.EXACT, widget=forms.RadioSelect
    )
    plate = forms.CharField(label=_("Plate or part of a plate"), max_length=64)
    max_edits = forms.TypedChoiceField(
        label=_("Misread characters"),
        choices=[
            (0, _("confusions only (8 and B, 0 and O…)")),
            (1, _("one more error")),
            (2, _("two more errors")),
        ],
        coerce=int,
        empty_value=None,
        initial=1,
        required=False,
    )
    period = forms.ChoiceField(
        label=_("Period"),
        choices=[
            ("24h", _("24 hours")),
            ("7d", _("7 days")),
            ("30d", _("30 days")),
            ("365d", _("1 year")),
            ("custom", _("Other")),
        ],
        initial="7d",
        widget=forms.RadioSelect,
    )
    since = forms.DateTimeField(label=_("From"), required=False)
    until = forms.DateTimeField(label=_("To"), required=False)
    cameras = forms.ModelMultipleChoiceField(
        label=_("Cameras"), queryset=Camera.objects.none(), required=False
    )
    area = forms.CharField(label=_("Corners of the area"), required=False, max_length=20_000)
    reason = forms.CharField(label=_("Reason for the search"), max_length=500, required=False)
    case_reference = forms.CharField(label=_("Case reference"), max_length=64, required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """`user` is who searches."""
        super().__init__(*args, **kwargs)
        self.user = user
        self.needs_case = needs_case(user)
        cameras = self.fields["cameras"]
        if isinstance(cameras, forms.ModelMultipleChoiceField):
            cameras.queryset = Camera.objects.visible_to(user).order_by("name")

    def clean_area(self) -> dict[str, Any] | None:
        """A polygon, from a line "latitude, longitude" for each corner."""
        points = []
        for line in filter(str.strip, self.cleaned_data["area"].splitlines()):
            numbers = [float(number.replace(",", ".")) for number in _NUMBER.findall(line)]
            if len(numbers) != 2:
                raise ValidationError(_("Each line of the area is a latitude and a longitude: 6.38, 2.71."))
            points.append([numbers[1], numbers[0]])
        if not points:
            return None
        if len(points) < 3:
            raise ValidationError(_("An area has three corners or more."))
        area = {"type": "Polygon", "coordinates": [[*points, points[0]]]}
        check_geometry(area, Space.MAP)
        return area

    def clean(self) -> dict[str, Any]:
        """The rules of the search itself, said at the field that breaks them."""
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        try:
            self.criteria = self._criteria(data)
            self.criteria.check()
            self.purpose = Purpose(data["reason"], data["case_reference"])
            self.purpose.check(self.criteria, self.user)
        except SearchRefusedError as error:
            self.add_error(_FIELDS.get(error.field, error.field), error.message)
        return data

    def _criteria(self, data: Mapping[str, Any]) -> Criteria:
        now = timezone.now()
        since: datetime | None = data["since"]
        until: datetime | None = data["until"] or now
        if data["period"] in PERIODS:
            since, until = now - PERIODS[data["period"]], now
        if since is None or until is None:
            raise SearchRefusedError("from", "required", str(_("Say from when.")))
        cameras = tuple(camera.pk for camera in data["cameras"]) or None
        return Criteria(
            mode=Mode(data["mode"]),
            plate=data["plate"],
            since=since,
            until=until,
            cameras=cameras,
            area=data["area"],
            max_edits=1 if data["max_edits"] is None else data["max_edits"],
        )

    def typed(self) -> dict[str, Any]:
        """What was typed, to fill the form again."""
        data = cast("QueryDict", self.data)
        return {name: data.getlist(name) if name == "cameras" else data.get(name, "") for name in self.fields}
