"""Tables of cameras: cameras and leases, how they fare, zones, recognition models, sensors."""

from cameras.addresses import validate_source  # migration 0001 names it here
from cameras.models.base import Configured
from cameras.models.camera import (
    Camera,
    CameraLease,
    CameraStatus,
    CameraType,
    Direction,
    plate_countries,
    validate_time_zone,
)
from cameras.models.health import CameraIncident, CameraIncidentQuerySet, CameraSample, Trouble
from cameras.models.recognition_model import ModelConfig
from cameras.models.zone import SensorSettings, Zone, ZoneType, check_zones

__all__ = [
    "Camera",
    "CameraIncident",
    "CameraIncidentQuerySet",
    "CameraLease",
    "CameraSample",
    "CameraStatus",
    "CameraType",
    "Configured",
    "Direction",
    "ModelConfig",
    "SensorSettings",
    "Trouble",
    "Zone",
    "ZoneType",
    "check_zones",
    "plate_countries",
    "validate_source",
    "validate_time_zone",
]
