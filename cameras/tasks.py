"""Celery tasks of cameras. Each makes one domain call."""

from celery import shared_task

from cameras import trials


@shared_task(acks_late=False)
def connect_now(key: str) -> None:
    """Try the source that a person asked about."""
    trials.answer(key)
