"""Celery tasks of alerts."""

from celery import shared_task

from alerts import services
from detections import feed

CONSUMER = "alerts"
CORRECTIONS_CONSUMER = "alerts:corrections"


@shared_task
def match_passages() -> int:
    """Match every passage that the feed holds for alerts; the number of passages looked at."""
    return feed.consume(CONSUMER, services.match_passages)


@shared_task
def match_corrections() -> int:
    """Match every plate that an officer corrected; the number of corrections looked at."""
    return feed.follow(feed.CORRECTIONS, CORRECTIONS_CONSUMER, services.match_corrections)
