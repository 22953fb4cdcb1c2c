"""Tables of cameras: cameras and leases, zones, recognition models, sensors."""

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
from cameras.models.recognition_model import ModelConfig
from cameras.models.zone import SensorSettings, Zone, ZoneType, check_zones

__all__ = [
    "Camera",
    "CameraLease",
    "CameraStatus",
    "CameraType",
    "Configured",
    "Direction",
    "ModelConfig",
    "SensorSettings",
    "Zone",
    "ZoneType",
    "check_zones",
    "plate_countries",
    "validate_source",
    "validate_time_zone",
]
