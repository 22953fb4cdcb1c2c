"""The field in which a zone is drawn."""

from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from cameras.geometry import MAX_POINTS


class ZoneDrawing(forms.Textarea):
    """GeoJSON as text, and a picture to draw it on where there is JavaScript."""

    class Media:
        css = {"all": ("css/camera.css", "css/zone-drawing.css")}
        js = ("js/zone-drawing.js",)

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """The drawing, and the text in a drawer under it."""
        text = super().render(name, value, attrs, renderer)
        context = {"text": text, "most": MAX_POINTS}
        return mark_safe(render_to_string("cameras/_drawing.html", context))  # noqa: S308 (a template's output)
