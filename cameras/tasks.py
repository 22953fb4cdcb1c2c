"""Celery tasks of cameras. Each makes one domain call."""

from celery import shared_task
from django.utils import timezone

from cameras import health, trials


@shared_task(acks_late=False)
def connect_now(key: str) -> None:
    """Try the source that a person asked about."""
    trials.answer(key)


@shared_task
def prune_health() -> int:
    """Throw away old figures and incidents that nobody was told of; how many rows."""
    return health.prune(timezone.now())
