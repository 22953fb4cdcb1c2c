"""Celery app and the beat table: every periodic task of the product, with its reason."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_site.settings")

app = Celery("anpr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

EXPIRE_SECONDS = 30
"""A tick that no worker took within this time is dropped: a worker that comes back finds no heap of them.
Well above the difference between two machines' clocks, which would make every tick stale.
`expire_seconds` is the name that django-celery-beat keeps; it ignores Celery's own `expires`."""

app.conf.task_routes = {
    "detections.tasks.read_submissions": {"queue": "recognition"},
    "detections.tasks.run_camera": {"queue": "recognition"},
    "cameras.tasks.connect_now": {"queue": "recognition"},
    "detections.tasks.make_partitions": {"queue": "nightly"},
    "cameras.tasks.prune_health": {"queue": "nightly"},
    "anpr_site.tasks.purge": {"queue": "nightly"},
}
app.conf.beat_schedule = {
    # Redis may have lost a wake-up: consumers look at the feed anyway.
    "match new passages": {
        "task": "alerts.tasks.match_passages",
        "schedule": 2.0,
        "options": {"expire_seconds": EXPIRE_SECONDS},
    },
    "match corrected plates": {
        "task": "alerts.tasks.match_corrections",
        "schedule": 5.0,
        "options": {"expire_seconds": EXPIRE_SECONDS},
    },
    "count new passages": {
        "task": "detections.tasks.count_passages",
        "schedule": 5.0,
        "options": {"expire_seconds": EXPIRE_SECONDS},
    },
    "remember plates": {
        "task": "detections.tasks.remember_plates",
        "schedule": 2.0,
        "options": {"expire_seconds": EXPIRE_SECONDS},
    },
    "read waiting photos": {
        "task": "detections.tasks.read_submissions",
        "schedule": 5.0,
        "options": {"expire_seconds": EXPIRE_SECONDS},
    },
    # A dead worker's camera is to be read by another within 15 s: its lease takes six of them.
    "keep cameras running": {
        "task": "detections.tasks.supervise_cameras",
        "schedule": 2.0,
        "options": {"expire_seconds": EXPIRE_SECONDS},
    },
    # Well within the time that something must last before it is told (CAMERA_INCIDENT_SECONDS).
    "judge cameras": {
        "task": "detections.tasks.judge_cameras",
        "schedule": 10.0,
        "options": {"expire_seconds": EXPIRE_SECONDS},
    },
    # Daily, though months are made three ahead: a failed night must not stop ingest.
    "make partitions": {"task": "detections.tasks.make_partitions", "schedule": 86_400.0},
    # Retention is counted in days.
    "purge": {"task": "anpr_site.tasks.purge", "schedule": 86_400.0},
    # A row for each camera and minute: by the disk, weeks are enough.
    "prune health of cameras": {"task": "cameras.tasks.prune_health", "schedule": 86_400.0},
}


@worker_ready.connect
def warm_up(sender: Any = None, **_kwargs: object) -> None:
    """Load the recognition models before the first photo comes, in workers that read plates only."""
    if "recognition" not in sender.app.amqp.queues.consume_from:
        return
    from django.conf import settings

    from recognition.engines import get_engine

    get_engine(settings.RECOGNITION_ENGINE, **settings.RECOGNITION_ENGINE_PARAMETERS).warm_up()
