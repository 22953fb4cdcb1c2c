"""The same cameras and passages for both sides, before anything is measured.

`python -m benchmarks.ingest.seed ours|peer COUNT` prints {"cameras": [...], "key": token} as JSON. Ours come
in by `services.record`, the peer's by its own session. `... seed consume` does what our workers would have
done by now: the dictionary of plates and the roll-ups.
"""

import asyncio
import json
import os
import random
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

SEED = 5
CAMERAS = 50
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
DAYS = 28
CHUNK = 1000


def plate(rng: random.Random) -> str:
    """A plate of Benin."""
    return f"{rng.choice(LETTERS)}{rng.choice(LETTERS)}{rng.randrange(10_000):04}RB"


@cache
def known_plates() -> list[str]:
    """Plates that were seen on both sides."""
    return [row["plate_number"] for row in rows(20_000)]


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Passages of the last four weeks, evenly over time and cameras."""
    rng, now = random.Random(SEED), datetime.now(UTC)
    for _ in range(count):
        yield {
            "camera": rng.randrange(CAMERAS),
            "plate_number": plate(rng),
            "confidence": round(rng.uniform(0.5, 1), 4),
            "detected_at": now - timedelta(days=rng.uniform(0, DAYS)),
            "vehicle_type": rng.choice(["car", "motorcycle", "truck"]),
            "vehicle_color": rng.choice(["white", "grey", "red"]),
            "bounding_box": [412.0, 300.0, 540.0, 338.0],
            "direction": "approaching",
            "lane": "1",
        }


def seed_ours(count: int) -> dict[str, Any]:
    """Cameras, a key and passages by the product's own services."""
    import django

    django.setup()
    from accounts.models import Scope
    from accounts.services import create_api_key
    from cameras.models import Camera
    from detections.models import Source
    from detections.passages import NewPassage
    from detections.services import record

    cameras = [Camera.objects.create(name=f"Banc {n}", code=f"banc-{n:03}") for n in range(CAMERAS)]
    _key, token = create_api_key(name="bench", scopes=[Scope.EVENTS_WRITE, Scope.EVENTS_READ], by=None)
    chunk: list[NewPassage] = []
    for row in rows(count):
        chunk.append(
            NewPassage(**(row | {"camera": cameras[row["camera"]]}), source=Source.API, event_id=uuid.uuid4())
        )
        if len(chunk) == CHUNK:
            record(chunk)
            chunk = []
    record(chunk)
    consume()
    return {"cameras": [camera.code for camera in cameras], "key": token}


def consume() -> None:
    """Let the consumers of the feed catch up, and the planner know of it."""
    import django

    django.setup()
    from django.db import connection

    from detections import counting, tasks

    tasks.remember_plates()
    counting.count_new()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE detections_seenplate, detections_hourlycount")


async def seed_peer(count: int) -> dict[str, Any]:
    """Tables, cameras and passages by the peer's own models."""
    from sqlalchemy import text
    from sqlmodel import SQLModel

    from benchmarks.ingest import peer

    async with peer.engine.begin() as connection:
        await connection.execute(text("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch"))
        await connection.run_sync(SQLModel.metadata.create_all)
    async with peer.sessions() as session:
        cameras = [peer.Camera(name=f"Banc {n}", code=f"banc-{n:03}") for n in range(CAMERAS)]
        session.add_all(cameras)
        await session.commit()
        numbers = [camera.id for camera in cameras]
        for number, row in enumerate(rows(count), start=1):
            camera = numbers[row.pop("camera")]
            session.add(peer.PlateEvent(**row, camera_id=camera))
            if number % CHUNK == 0:
                await session.commit()
                session.expunge_all()
        await session.commit()
    await peer.engine.dispose()
    return {"cameras": numbers, "key": ""}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_site.settings")
    if sys.argv[1] == "consume":
        consume()
        sys.exit()
    wanted = int(sys.argv[2])
    told = seed_ours(wanted) if sys.argv[1] == "ours" else asyncio.run(seed_peer(wanted))
    print(json.dumps(told))
