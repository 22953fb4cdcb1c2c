"""Fields of the API that stand for a camera, its address and its place."""

import math
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import keepable
from cameras.addresses import MAX_ADDRESS, masked, unmasked, validate_source
from cameras.models import Camera


@extend_schema_field(OpenApiTypes.STR)
class CameraField(serializers.Field[Camera, Any, str, Any]):
    """A camera, named by its code (or its number)."""

    default_error_messages = {"unknown": _("No camera has this code: register it in the console first.")}

    def to_internal_value(self, data: Any) -> Camera:
        """The camera with this code, else this number. Raises ValidationError with code "unknown"."""
        text = str(data) if isinstance(data, str | int) else ""
        camera = self._find(text) if keepable(text) else None
        if camera is None:
            self.fail("unknown")
        return camera

    def _find(self, text: str) -> Camera | None:
        found: Camera | None = Camera.objects.filter(code=text).first()
        if found is None and text.isascii() and text.isdecimal() and len(text) < 18:
            found = Camera.objects.filter(pk=int(text)).first()
        return found

    def to_representation(self, value: Camera) -> str:
        """The code."""
        return value.code


class AddressField(serializers.CharField):
    """A stream's address: taken whole, given masked. The masked one sent back keeps what is stored."""

    def __init__(self, **kwargs: Any) -> None:
        """Never required: a camera may only be one that sensors send for."""
        defaults = {"required": False, "allow_blank": True, "max_length": MAX_ADDRESS}
        super().__init__(**(defaults | kwargs))
        self.validators.append(validate_source)

    def to_internal_value(self, data: Any) -> str:
        """The address to store. Raises ValidationError for a mask that is not the stored address's own."""
        text = super().to_internal_value(data)
        camera = getattr(self.parent, "instance", None)
        stored = getattr(camera, str(self.source), "") if isinstance(camera, Camera) else ""
        return unmasked(text, stored)

    def to_representation(self, value: str) -> str:
        """Without user, password and whatever else may be secret."""
        return masked(value)


class FiniteField(serializers.FloatField):
    """A number; "nan" and "inf" are none."""

    def to_internal_value(self, data: Any) -> float:
        """The number. Raises ValidationError."""
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


@extend_schema_field(OpenApiTypes.DOUBLE)
class DegreesField(FiniteField):
    """Degrees of latitude or longitude, kept to six places (11 cm)."""

    def to_internal_value(self, data: Any) -> Any:
        """The degrees as they are stored. Raises ValidationError."""
        return Decimal(f"{super().to_internal_value(data):.6f}")
