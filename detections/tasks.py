"""Celery tasks: read photos, run cameras, keep partitions ahead. Each makes one domain call."""

from celery import current_app, shared_task
from django.utils import timezone

import cameras.services
from detections import camera_health, partitions, services, submissions
from detections.models import Source


@shared_task
def read_submissions() -> int:
    """Read every waiting photo; the number read."""
    count = 0
    while submission := submissions.claim():
        submissions.read(submission)
        count += 1
    return count


@shared_task
def supervise_cameras() -> int:
    """Ask the recognition workers to read cameras that nobody reads; the number asked for."""
    free = cameras.services.free_cameras()
    for camera_id in free:
        current_app.send_task("detections.tasks.run_camera", args=[camera_id], expires=5, retry=False)
    return len(free)


@shared_task(acks_late=False)
def run_camera(camera_id: int) -> bool:
    """Read one camera until it ends or is taken away; False when it was not this worker's to read."""
    from cameras.workers import stopping, watch
    from detections.reading import new_passage

    return watch(
        camera_id,
        lambda camera, passage, event_id: services.record_one(
            new_passage(passage, camera=camera, source=Source.CAMERA, event_id=event_id), give_up=stopping
        ),
    )


@shared_task
def judge_cameras() -> int:
    """Open and close incidents of cameras; how many were told."""
    return len(camera_health.judge())


@shared_task
def make_partitions() -> list[str]:
    """Make the months ahead; the names made."""
    month = partitions.month_of(timezone.now().date())
    return partitions.ensure(month, partitions.add_months(month, partitions.MONTHS_AHEAD))
