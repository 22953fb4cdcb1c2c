"""What is asked of both servers: a list of cases, each made for ours and for the peer's way to say it."""

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from benchmarks.ingest.pictures import CROP, FRAME
from benchmarks.ingest.seed import known_plates, plate


@dataclass(frozen=True)
class Case:
    """A kind of request: how many passages each holds, the ratio aimed at, and how to make one for a side.

    `most`: requests made ahead of a run, which ends when they are used up. `expect`: status of the answer.
    `caught_up`: our workers, which do not run here, have dealt with all that came in.
    """

    name: str
    passages: int
    goal: float
    most: int
    make: Callable[[random.Random, "Side"], list[bytes]]
    expect: dict[str, int]
    connections: int = 8
    caught_up: bool = False


@dataclass(frozen=True)
class Side:
    """A server under test: "ours" or "peer", its headers, and how it names cameras (by place in the list)."""

    name: str
    port: int
    headers: dict[str, str]
    cameras: list[Any]
    pid: int = 0
    database_url: str = ""


def passage(rng: random.Random, side: Side) -> dict[str, Any]:
    """What a camera's own computer tells of a vehicle."""
    known = {
        "plate_number": plate(rng),
        "confidence": round(rng.uniform(0.6, 1), 4),
        "detection_confidence": round(rng.uniform(0.6, 1), 4),
        "detected_at": (datetime.now(UTC) - timedelta(seconds=rng.uniform(0, 3600))).isoformat(),
        "bounding_box": [412.0, 300.0, 540.0, 338.0],
        "vehicle_type": rng.choice(["car", "motorcycle", "truck"]),
        "vehicle_color": rng.choice(["white", "grey", "red"]),
        "direction": "approaching",
        "lane": str(rng.randrange(1, 4)),
    }
    camera = rng.choice(side.cameras)
    if side.name == "peer":
        return known | {"camera_id": camera, "extra": {"firmware": "4.2.1"}}
    event = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return known | {"camera": camera, "metadata": {"firmware": "4.2.1"}, "event_id": event}


def request(side: Side, method: str, path: str, pieces: list[bytes], kind: str = "") -> list[bytes]:
    """An HTTP request as it goes over the line."""
    headers = {"Host": "127.0.0.1", **side.headers}
    if pieces:
        headers |= {"Content-Type": kind, "Content-Length": str(sum(map(len, pieces)))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return [f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode(), *pieces]


def one_event(rng: random.Random, side: Side) -> list[bytes]:
    """One reading."""
    body = json.dumps(passage(rng, side)).encode()
    return request(side, "POST", "/api/v1/events/ingest", [body], "application/json")


def batch(size: int) -> Callable[[random.Random, Side], list[bytes]]:
    """Many readings at once: lines of JSON for ours, a JSON array for the peer."""

    def make(rng: random.Random, side: Side) -> list[bytes]:
        rows = [passage(rng, side) for _ in range(size)]
        if side.name == "peer":
            kind, body = "application/json", json.dumps(rows)
        else:
            kind, body = "application/x-ndjson", "\n".join(map(json.dumps, rows))
        return request(side, "POST", "/api/v1/events/batch", [body.encode()], kind)

    return make


def pictures(rng: random.Random, side: Side) -> list[bytes]:
    """A reading with the frame and the crop of the plate."""
    known = passage(rng, side)
    names = ["plate_number", "confidence", "detected_at"]
    names += ["camera_id"] if side.name == "peer" else ["camera", "event_id"]
    part = "--b\r\nContent-Disposition: form-data; name="
    fields = "".join(f'{part}"{name}"\r\n\r\n{known[name]}\r\n' for name in names)
    file = '{}"{}"; filename="{}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    pieces = [
        (fields + file.format(part, "frame", "frame")).encode(),
        FRAME,
        ("\r\n" + file.format(part, "crop", "crop")).encode(),
        CROP,
        b"\r\n--b--\r\n",
    ]
    path = "/api/v1/events/upload" if side.name == "peer" else "/api/v1/events/ingest"
    return request(side, "POST", path, pieces, "multipart/form-data; boundary=b")


def filtered(rng: random.Random, side: Side) -> list[bytes]:
    """The newest 50 of a camera in three days, read well."""
    until = datetime.now(UTC) - timedelta(days=rng.uniform(0, 20))
    since, camera = until - timedelta(days=3), rng.choice(side.cameras)
    if side.name == "peer":
        query = {"since": since, "until": until, "camera_id": camera, "min_confidence": "0.7"}
    else:
        query = {"from": since, "to": until, "camera": camera, "confidence_min": "0.7"}
    return request(side, "GET", f"/api/v1/events?{urlencode(query)}", [])


def sought(mode: str) -> Callable[[random.Random, Side], list[bytes]]:
    """The newest 50 passages of a plate, of a beginning of four, of its confusions, or one edit away."""

    def make(rng: random.Random, side: Side) -> list[bytes]:
        wanted = rng.choice(known_plates())
        wanted = wanted[:4] if mode == "prefix" else wanted
        if side.name == "peer":
            query = urlencode({"plate": wanted, "mode": mode})
            return request(side, "GET", f"/api/v1/events/search?{query}", [])
        why = {"reason": "benchmark", "case_reference": "PV-1"}
        if mode == "exact":
            return request(side, "GET", f"/api/v1/events?{urlencode({'plate': wanted} | why)}", [])
        ways: dict[str, dict[str, Any]] = {
            "prefix": {"mode": "wildcard", "plate": f"{wanted}*"},
            "confusable": {"mode": "fuzzy", "plate": wanted, "max_edits": 0},
            "fuzzy": {"mode": "fuzzy", "plate": wanted, "max_edits": 1},
        }
        since = (datetime.now(UTC) - timedelta(days=30)).isoformat()
        body = json.dumps(ways[mode] | why | {"from": since}).encode()
        return request(side, "POST", "/api/v1/events/search", [body], "application/json")

    return make


def counted(rng: random.Random, side: Side) -> list[bytes]:
    """Passages by the hour, in the last 24."""
    since = urlencode({"since": datetime.now(UTC) - timedelta(days=1)}) if side.name == "peer" else "by=hour"
    return request(side, "GET", f"/api/v1/events/stats?{since}", [])


CREATED, OK = {"ours": 201, "peer": 201}, {"ours": 200, "peer": 200}

CASES = [
    Case("one event, JSON", 1, 3.5, 20_000, one_event, CREATED),
    Case("one event with two pictures", 1, 2.2, 6_000, pictures, CREATED),
    Case("batch of 100", 100, 4.5, 1_200, batch(100), {"ours": 200, "peer": 201}),
    Case("batch of 1,000", 1000, 9.0, 240, batch(1000), {"ours": 200, "peer": 201}, connections=4),
    Case("list with filters, 50 rows", 1, 3.5, 20_000, filtered, OK),
    Case("exact plate", 1, 3.0, 4_000, sought("exact"), OK, caught_up=True),
    Case("prefix of 4", 1, 3.0, 4_000, sought("prefix"), OK, caught_up=True),
    Case("confusable plates", 1, 3.0, 4_000, sought("confusable"), OK, caught_up=True),
    Case("fuzzy, one edit", 1, 2.0, 4_000, sought("fuzzy"), OK, caught_up=True),
    Case("24 h statistics", 1, 4.0, 4_000, counted, OK, caught_up=True),
]
