"""Pictures of cameras on their way to a page: in Redis for seconds, never on disk.

Two kinds: the live picture, which a worker puts there once a second while somebody looks, and the picture of
a trial connection (`cameras.trials`). Both show people's movements: whoever hands them out checks who asks.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

WATCHED_SECONDS = 5
"""A page that asks for a picture keeps its camera watched for so long."""
LIVE_SECONDS = 30
"""A live picture is gone after this: a camera that fell silent shows its last one for a moment only."""
EVERY = 1.0
"""Seconds between two live pictures of a camera."""
ANSWER_SECONDS = 1.0
"""Redis that takes longer counts as away."""
READING_SECONDS = 0.25
"""The same where a camera is being read, which a live picture must not hold up."""


class PicturesAwayError(Exception):
    """Redis does not answer."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what is told of it; `age`: seconds since it was put here, by the clock of Redis."""

    jpeg: bytes = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)
    age: float


def keep_watched(camera_id: int) -> None:
    """Somebody looks at this camera now. Raises PicturesAwayError."""
    with _answering() as store:
        store.set(_watched(camera_id), 1, ex=WATCHED_SECONDS)


def is_watched(camera_id: int) -> bool:
    """Whether somebody has looked at this camera in the last seconds. Raises PicturesAwayError."""
    with _answering(READING_SECONDS) as store:
        return bool(store.exists(_watched(camera_id)))


def put_live(camera_id: int, jpeg: bytes, facts: Mapping[str, Any]) -> None:
    """Show this picture to those who look. Raises PicturesAwayError."""
    fields: dict[str, str | bytes] = {"jpeg": jpeg, "facts": json.dumps(facts)}
    with _answering(READING_SECONDS) as store:
        _put(store, _live(camera_id), fields, LIVE_SECONDS)


def live(camera_id: int) -> Picture | None:
    """The newest live picture; None when there was none lately. Raises PicturesAwayError."""
    found, left = get(_live(camera_id))
    if not found:
        return None
    return Picture(found["jpeg"], json.loads(found["facts"]), max(0.0, LIVE_SECONDS - left))


def put(key: str, fields: Mapping[str, str | bytes], *, seconds: int) -> None:
    """Set these fields under a key, all at once; all of the key is gone after so many seconds.

    Raises PicturesAwayError.
    """
    with _answering() as store:
        _put(store, key, fields, seconds)


def get(key: str) -> tuple[dict[str, bytes], float]:
    """The fields under a key and the seconds that it has left; none when it is gone.

    Raises PicturesAwayError.
    """
    with _answering() as store, store.pipeline(transaction=True) as commands:
        found, left = commands.hgetall(key).pttl(key).execute()
    return {name.decode(): value for name, value in found.items()}, left / 1000


def _put(store: Any, key: str, fields: Mapping[str, str | bytes], seconds: int) -> None:
    with store.pipeline(transaction=True) as commands:
        commands.hset(key, mapping=dict(fields)).expire(key, seconds).execute()


@contextmanager
def _answering(seconds: float = ANSWER_SECONDS) -> Iterator[Any]:
    try:
        yield _client(settings.REDIS_URL, seconds)
    except (redis.RedisError, OSError):
        # Cut: errors of connections tell the address.
        raise PicturesAwayError from None


@lru_cache(maxsize=4)
def _client(url: str, seconds: float) -> Any:
    """One pool a process; asked once, since whoever asks comes back a second later anyway."""
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )


def _watched(camera_id: int) -> str:
    return f"anpr:camera:{camera_id}:watched"


def _live(camera_id: int) -> str:
    return f"anpr:camera:{camera_id}:live"
