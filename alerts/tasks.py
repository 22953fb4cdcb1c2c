"""Celery tasks of alerts."""

from celery import shared_task

from alerts import services
from detections import feed

CONSUMER = "alerts"


@shared_task
def match_passages() -> int:
    """Match every passage that the feed holds for alerts; the number of passages looked at."""
    return feed.consume(CONSUMER, services.match_passages)
