"""Is the product alive, and can it work: for people, load balancers and supervisors."""

import logging

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from detections import feed
from detections.models import FeedCursor

logger = logging.getLogger(__name__)

LATE_SECONDS = 60
"""A feed that is further behind is not healthy: alerts are due within two seconds."""


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        logger.exception("health: the database does not answer")
        return False
    return True


def _redis() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        logger.warning("health: Redis does not answer")
        return False


def _feed() -> bool:
    """False when a consumer is more than a minute behind, fails at a row, or stands still after a restore."""
    try:
        return all(
            not cursor.failures and feed.lag(cursor.consumer).seconds < LATE_SECONDS
            for cursor in FeedCursor.objects.all()
        )
    except feed.FeedMovedError:
        logger.exception("health: the feed stands still")
        return False


@login_not_required
def liveness(request: HttpRequest) -> JsonResponse:
    """The process answers: 200, whatever else is down."""
    return JsonResponse({"status": "alive"})


@login_not_required
def ready(request: HttpRequest) -> JsonResponse:
    """It can take passages: 200 when the database answers, else 503. Redis is not needed to store."""
    up = _database()
    return JsonResponse({"status": "ready" if up else "not ready"}, status=200 if up else 503)


@login_not_required
def health(request: HttpRequest) -> JsonResponse:
    """Each service's state; 503 when the database is away, "degraded" when alerts arrive late."""
    database, broker = _database(), _redis()
    current = database and _feed()
    state = "ok" if database and broker and current else ("degraded" if database else "down")
    return JsonResponse(
        {
            "status": state,
            "timestamp": timezone.now().isoformat(),
            "services": {"database": database, "redis": broker, "feed": current},
        },
        status=200 if database else 503,
    )
