"""Celery tasks: read photos, run cameras, keep partitions ahead. Each makes one domain call."""

import threading

from celery import current_app, shared_task
from django.utils import timezone

import cameras.services
from detections import camera_health, counting, feed, partitions, submissions
from detections.search import dictionary

EXPIRE_SECONDS = 30
"""What nobody took by then was offered again. Well above the difference between two machines' clocks."""


_photos = threading.Semaphore()
"""Held by the one thread of this process that reads photos: the others are there for cameras."""


@shared_task
def read_submissions() -> int:
    """Read every waiting photo, until the worker is asked to stop; the number read.

    0 where another thread of this process is at it: a heap of photos must not take the place of cameras.
    """
    from cameras.workers import stopping

    if not _photos.acquire(blocking=False):
        return 0
    count = 0
    try:
        while not stopping.is_set() and (submission := submissions.claim()):
            submissions.read(submission)
            count += 1
    finally:
        _photos.release()
    return count


HOPS = 10
"""How many workers that have no room may pass a camera on before it waits for the next tick."""


@shared_task
def supervise_cameras() -> int:
    """Ask the recognition workers to read cameras that nobody reads; the number asked for."""
    free = cameras.services.free_cameras()
    for camera_id in free:
        _ask(camera_id, HOPS)
    return len(free)


def _ask(camera_id: int, hops: int) -> None:
    current_app.send_task(
        "detections.tasks.run_camera", args=[camera_id, hops], expires=EXPIRE_SECONDS, retry=False
    )


@shared_task(acks_late=False)
def run_camera(camera_id: int, hops: int = 0) -> bool:
    """Read one camera until it ends or is taken away; False when it was not this worker's to read.

    A worker without room passes it on: the broker asks them in turn, so that one that has room is found.
    """
    from cameras.workers import NoRoomError, stopping
    from detections.reading import read_camera

    try:
        taken = read_camera(camera_id)
    except NoRoomError:
        if hops:
            _ask(camera_id, hops - 1)
        return False
    if stopping.is_set():
        # Another worker takes over now rather than at the next tick.
        supervise_cameras()
    return taken


@shared_task
def remember_plates() -> int:
    """Enter the plates of new passages in the dictionary of the search; how many passages."""
    return feed.follow(dictionary.PASSAGES, dictionary.CONSUMER, dictionary.remember)


@shared_task
def judge_cameras() -> int:
    """Open and close incidents of cameras; how many were told."""
    return len(camera_health.judge())


@shared_task
def count_passages() -> int:
    """Count every passage that the feed holds for the statistics; the number counted."""
    return counting.count_new()


@shared_task
def make_partitions() -> list[str]:
    """Make the months ahead; the names made."""
    month = partitions.month_of(timezone.now().date())
    return partitions.ensure(month, partitions.add_months(month, partitions.MONTHS_AHEAD))
