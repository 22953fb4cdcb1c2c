"""Cameras, zones, recognition models and sensors on the wire. The rules are the models' own (`clean`)."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import StrictJson, keepable
from accounts.models import ApiKey, User, may
from cameras.api.fields import AddressField, CameraField, DegreesField, FiniteField
from cameras.models import Camera, CameraStatus, CameraType, ModelConfig, SensorSettings, Zone, ZoneType

STATE = ("id", "revision", "created_at", "updated_at")
"""What every configured row has and nobody sends."""
PRIVATE = ("stream_url", "rtsp_url", "settings")
"""Of a camera, for those alone who may change it."""

GEOMETRY = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Polygon", "MultiPolygon"]},
        "coordinates": {"type": "array", "items": {}},
    },
    "example": {"type": "Polygon", "coordinates": [[[0, 0.5], [1, 0.5], [1, 1], [0, 1], [0, 0.5]]]},
}


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(StrictJson):
    """A JSON object."""

    def __init__(self, **kwargs: Any) -> None:
        """Empty unless something is sent."""
        super().__init__(dict, **({"required": False} | kwargs))


@extend_schema_field(GEOMETRY)
class GeometryField(serializers.JSONField):
    """GeoJSON; what it must be is said by `cameras.geometry`, which looks before it takes."""

    def to_internal_value(self, data: Any) -> Any:
        """As it came."""
        return data


class CameraSerializer(serializers.ModelSerializer[Camera]):
    """A camera. Addresses are masked; they and the settings are for those alone who may change cameras."""

    latitude = DegreesField(required=False, allow_null=True, min_value=-90, max_value=90)
    longitude = DegreesField(required=False, allow_null=True, min_value=-180, max_value=180)
    fps = FiniteField(required=False, min_value=0.1, max_value=60)
    stream_url = AddressField(help_text="Masked in answers; sending the mask back keeps what is stored.")
    rtsp_url = AddressField(help_text="Masked in answers; sending the mask back keeps what is stored.")
    settings = ObjectField(help_text="See `cameras.options.CameraSettings`.")
    plate_formats = serializers.ListField(
        child=serializers.CharField(max_length=2), required=False, help_text="Countries; empty: all."
    )

    class Meta:
        model = Camera
        fields = (
            "id",
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
            "status",
            "status_reason",
            "status_since",
            *STATE[1:],
        )
        read_only_fields = ("status", "status_reason", "status_since", *STATE)

    def to_representation(self, instance: Camera) -> dict[str, Any]:
        """The camera as the caller may see it."""
        shown = super().to_representation(instance)
        caller: User | AnonymousUser = self.context["request"].user
        if not may(caller, "cameras.change_camera"):
            for name in PRIVATE:
                del shown[name]
        return shown


class ZoneSerializer(serializers.ModelSerializer[Zone]):
    """A zone; it stays with its camera."""

    camera = CameraField(help_text="Code of the camera; it cannot be changed later.")
    geometry = GeometryField()

    class Meta:
        model = Zone
        fields = ("id", "name", "camera", "zone_type", "space", "geometry", "is_enabled", *STATE[1:])
        read_only_fields = STATE
        validators: tuple[Any, ...] = ()  # the model's own say it, in the product's words


class ModelConfigSerializer(serializers.ModelSerializer[ModelConfig]):
    """A recognition model."""

    parameters = ObjectField(help_text="Those that the engine takes; see `recognition.engines.PARAMETERS`.")

    class Meta:
        model = ModelConfig
        fields = (
            "id",
            "name",
            "engine",
            "weights_path",
            "weights_digest",
            "version",
            "parameters",
            "is_default",
            *STATE[1:],
        )
        read_only_fields = STATE
        validators: tuple[Any, ...] = ()


class SensorSerializer(serializers.ModelSerializer[SensorSettings]):
    """A device at the roadside; its key is named by its public prefix."""

    camera = CameraField(help_text="Code of the camera.")
    zones = serializers.PrimaryKeyRelatedField(many=True, required=False, queryset=Zone.objects.all())
    api_key = serializers.SlugRelatedField(
        slug_field="prefix",
        required=False,
        allow_null=True,
        queryset=ApiKey.objects.all(),
        help_text="Prefix of the key, the part before the dot.",
    )
    settings = ObjectField(help_text="What the device is told; no passwords.")

    class Meta:
        model = SensorSettings
        fields = ("id", "name", "code", "camera", "zones", "api_key", "settings", "is_enabled", *STATE[1:])
        read_only_fields = STATE
        validators: tuple[Any, ...] = ()


# --- What lists are asked for ------------------------------------------------------------------------------


class SearchField(serializers.CharField):
    """Words to look for; what no row can hold is found nowhere."""

    def __init__(self, **kwargs: Any) -> None:
        """Never required."""
        super().__init__(default="", allow_blank=True, max_length=100, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """The words. Raises ValidationError."""
        text = super().to_internal_value(data)
        if not keepable(text):
            self.fail("invalid")
        return text


class ConfigQuery(serializers.Serializer[Any]):
    """What every list of the configuration takes."""

    search = SearchField(help_text="Part of a name, code or place.")
    ordering = serializers.ChoiceField(
        choices=("name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"),
        default="name",
        help_text="A minus sign turns the order round.",
    )


class CameraQuery(ConfigQuery):
    """What the list of cameras takes."""

    status = serializers.ChoiceField(choices=CameraStatus.choices, required=False)
    camera_type = serializers.ChoiceField(choices=CameraType.choices, required=False)
    is_enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
    model = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class ZoneQuery(ConfigQuery):
    """What the list of zones takes."""

    camera = SearchField(help_text="Code of a camera.")
    zone_type = serializers.ChoiceField(choices=ZoneType.choices, required=False)
    is_enabled = serializers.BooleanField(required=False, allow_null=True, default=None)


class ModelQuery(ConfigQuery):
    """What the list of recognition models takes."""

    engine = SearchField()
    is_default = serializers.BooleanField(required=False, allow_null=True, default=None)


class SensorQuery(ConfigQuery):
    """What the list of sensors takes."""

    camera = SearchField(help_text="Code of a camera.")
    is_enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
