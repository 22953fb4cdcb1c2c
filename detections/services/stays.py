"""How long vehicles stood in parking zones."""

import logging
import uuid
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection

from cameras.models import Camera
from detections.models import Stay

logger = logging.getLogger(__name__)


def record_stay(*, camera: Camera, event_id: uuid.UUID, started_at: datetime, ended_at: datetime) -> None:
    """Note until when the vehicle of a passage stood in a parking zone; told again it is made longer.

    While the database is away it is left out: a worker tells a stay each minute.
    """
    stay = Stay(event_id=event_id, camera=camera, started_at=started_at, ended_at=ended_at)
    try:
        Stay.objects.bulk_create(
            [stay],
            update_conflicts=True,
            unique_fields=["event_id", "started_at"],
            update_fields=["ended_at"],
        )
    except (OperationalError, InterfaceError):
        logger.warning("database away: a stay before camera %s was not noted", camera.pk)
        connection.close()
