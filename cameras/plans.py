"""What decides how a camera is read, so that its worker notices when somebody changes it."""

from typing import TypeAlias

from cameras.models import Camera, ModelConfig, Zone

Plan: TypeAlias = tuple[object, ...]


def plan_of(camera: Camera) -> Plan:
    """Everything that decides: whoever changes any of it has the camera read anew."""
    model = camera.model or ModelConfig.objects.usual()
    zones = Zone.objects.filter(camera=camera, is_enabled=True).order_by("pk")
    return (
        (camera.stream_url, camera.rtsp_url),
        camera.fps,
        camera.settings,
        camera.plate_formats,
        model and (model.pk, model.revision),
        list(zones.values_list("pk", "revision")),
    )


def is_current(camera: Camera, plan: Plan) -> bool:
    """Whether the camera is to be read still, and so as planned."""
    now = Camera.objects.select_related("model").filter(pk=camera.pk, is_enabled=True).first()
    return now is not None and plan_of(now) == plan
