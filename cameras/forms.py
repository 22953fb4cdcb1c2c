"""Forms of the console: masked addresses, JSON that may be nested badly, and no lost update."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from accounts.api.parsers import too_deep
from cameras.addresses import MAX_ADDRESS, masked, unmasked
from cameras.models import Camera, ModelConfig, SensorSettings, Zone, check_zones, plate_countries
from cameras.widgets import ZoneDrawing
from recognition.engines import ENGINES


class PlainJSONField(forms.JSONField):
    """JSON that nests too deep for the stack is refused like any other broken text."""

    def to_python(self, value: Any) -> Any:
        """The value. Raises ValidationError."""
        try:
            found = super().to_python(value)
        except RecursionError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        if too_deep(found):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was sent, to be shown again."""
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


class ConfigForm(forms.ModelForm[Any]):
    """Tells whether somebody else has changed the row since the form was opened."""

    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """The revision that the person sees goes along."""
        super().__init__(*args, **kwargs)
        if self.instance.pk and "seen_revision" in self.fields:
            self.fields["seen_revision"].initial = self.instance.revision

    def clean(self) -> dict[str, Any]:
        """Refuse to overwrite what the person has not seen."""
        data = super().clean() or {}
        seen = data.get("seen_revision")
        if self.instance.pk and seen is not None:
            rows = type(self.instance)._default_manager.select_for_update()
            now = rows.filter(pk=self.instance.pk).values_list("revision", flat=True).first()
            if now != seen:
                raise ValidationError(
                    _("Somebody else has changed this meanwhile. Open it again, then repeat your change."),
                    code="stale",
                )
        return data

    def changes(self) -> dict[str, Any]:
        """What the person changed, by field."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "seen_revision"}


class AddressFormField(forms.CharField):
    """A stream's address; the stored one is shown masked, and its mask keeps it."""

    def prepare_value(self, value: Any) -> Any:
        """Masked, unless it is what the person has just typed (which may be wrong)."""
        return masked(value) if isinstance(value, str) else value


class CameraForm(ConfigForm):
    """A camera."""

    stream_url = AddressFormField(
        label=_("stream"),
        required=False,
        max_length=MAX_ADDRESS,
        help_text=_(
            "HTTP stream, video file, or a folder in which photos arrive (file:///...). What is hidden is"
            " shown as ***; left as it is, it is kept."
        ),
    )
    rtsp_url = AddressFormField(
        label=_("RTSP stream"),
        required=False,
        max_length=MAX_ADDRESS,
        help_text=_("What is hidden is shown as ***; left as it is, it is kept."),
    )
    plate_formats = forms.MultipleChoiceField(
        label=_("plates to expect"),
        required=False,
        choices=lambda: [(code, code) for code in plate_countries()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: all."),
    )

    class Meta:
        model = Camera
        fields = (
            "name",
            "code",
            "location_name",
            "latitude",
            "longitude",
            "address",
            "camera_type",
            "stream_url",
            "rtsp_url",
            "is_enabled",
            "fps",
            "width",
            "height",
            "lanes",
            "direction",
            "heading",
            "time_zone",
            "plate_formats",
            "model",
            "settings",
        )
        field_classes = {"settings": PlainJSONField}

    def clean_stream_url(self) -> str:
        """The address to store."""
        return unmasked(self.cleaned_data["stream_url"], str(self.initial.get("stream_url") or ""))

    def clean_rtsp_url(self) -> str:
        """The address to store."""
        return unmasked(self.cleaned_data["rtsp_url"], str(self.initial.get("rtsp_url") or ""))


class ModelConfigForm(ConfigForm):
    """A recognition model, its engine to choose."""

    engine = forms.ChoiceField(label=_("engine"), choices=lambda: [(name, name) for name in ENGINES])

    class Meta:
        model = ModelConfig
        fields = (
            "name",
            "engine",
            "weights_path",
            "weights_digest",
            "version",
            "parameters",
            "is_default",
        )
        field_classes = {"parameters": PlainJSONField}

    def _get_validation_exclusions(self) -> set[str]:
        """A new usual model takes the former one's place: that there is one is no error here."""
        return {*super()._get_validation_exclusions(), "is_default"}  # type: ignore[misc]  # Django's own


class ZoneForm(ConfigForm):
    """A zone."""

    class Meta:
        model = Zone
        fields = ("name", "camera", "zone_type", "space", "geometry", "is_enabled")
        field_classes = {"geometry": PlainJSONField}
        widgets = {"geometry": ZoneDrawing}


class SensorForm(ConfigForm):
    """A sensor, with zones of its camera."""

    class Meta:
        model = SensorSettings
        fields = ("name", "code", "camera", "zones", "api_key", "settings", "is_enabled")
        field_classes = {"settings": PlainJSONField}

    def clean(self) -> dict[str, Any]:
        """Zones are the camera's."""
        data = super().clean()
        if data.get("camera") and data.get("zones") is not None:
            check_zones(data["camera"], data["zones"])
        return data
