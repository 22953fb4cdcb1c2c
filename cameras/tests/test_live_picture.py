"""The live picture: made only while somebody looks, gone after a moment, never in the way of reading."""

import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import redis
from django.utils import timezone

from cameras import live_picture, pictures
from cameras.live_picture import LivePicture
from recognition.boxes import corners
from recognition.engines.observed import ObservedEngine
from recognition.images import inspect_image, to_jpeg
from recognition.types import RGB, Frame, PlateRead

CAMERA = 4711
NOWHERE = "redis://127.0.0.1:1/0"


def read_of(text: str) -> PlateRead:
    """A plate in the middle of the upper left quarter of a picture of 1920 x 1080."""
    box = (384.0, 216.0, 576.0, 324.0)
    return PlateRead(
        text=text, raw_text=text, confidence=0.93, detection_confidence=0.9, recognition_confidence=0.9,
        box=box, polygon=corners(box), layout="one_line", plate_colour="white",
        char_confidences=(0.9,) * len(text),
    )  # fmt: skip


class OnePlate:
    """An engine that sees the same plate in every picture."""

    name, version = "one-plate", "1"

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        return [read_of("BB6232RB")]

    def warm_up(self) -> None:
        pass


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[redis.Redis]:
    """The real Redis, without what earlier tests left."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter("anpr:camera:*"):
            client.delete(key)
        yield client


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes each picture that is encoded."""
    calls: list[int] = []

    def counting(image: RGB, *args: Any, **options: Any) -> bytes:
        calls.append(1)
        return to_jpeg(image, *args, **options)

    monkeypatch.setattr(live_picture, "to_jpeg", counting)
    return calls


def frames(count: int, pause: float = 0.0, size: tuple[int, int] = (1080, 1920)) -> Iterator[Frame | None]:
    """So many pictures, with a tick between each two."""
    image = np.zeros((*size, 3), np.uint8)
    for number in range(count):
        yield Frame(image, timezone.now(), number)
        yield None
        time.sleep(pause)


def read_through(live: LivePicture, given: Iterator[Frame | None]) -> Sequence[int]:
    """Read the frames as a worker does; the numbers of those that came through."""
    engine = ObservedEngine(OnePlate(), live)
    passed = []
    for frame in live.of(given):
        if frame is not None:
            engine.find(frame.image)
            passed.append(frame.number)
    return passed


def test_while_nobody_looks_nothing_is_encoded_and_redis_hardly_asked(
    encoded: list[int], store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    is_watched = pictures.is_watched

    def counting(camera_id: int) -> bool:
        asked.append(camera_id)
        return is_watched(camera_id)

    monkeypatch.setattr(pictures, "is_watched", counting)
    assert read_through(LivePicture(CAMERA), frames(60, 0.02)) == list(range(60))
    assert encoded == []
    assert 1 <= len(asked) <= 3
    assert list(store.scan_iter("anpr:camera:*")) == []


def test_whoever_looks_gets_a_picture_a_second_with_its_plates(
    encoded: list[int], store: redis.Redis
) -> None:
    pictures.keep_watched(CAMERA)
    assert 4 < store.pttl(f"anpr:camera:{CAMERA}:watched") / 1000 <= pictures.WATCHED_SECONDS
    started = time.monotonic()
    read_through(LivePicture(CAMERA), frames(25, 0.1))
    assert 2 <= len(encoded) <= 1 + int(time.monotonic() - started)
    shown = pictures.live(CAMERA)
    assert shown is not None
    assert (shown.facts["width"], shown.facts["height"]) == (1920, 1080)
    facts = inspect_image(shown.jpeg)
    assert (facts.width, facts.height) == (960, 540)
    (plate,) = shown.facts["plates"]
    assert (plate["text"], plate["confidence"], plate["layout"]) == ("BB6232RB", 0.93, "one_line")
    assert plate["corners"] == [[0.2, 0.2], [0.3, 0.2], [0.3, 0.3], [0.2, 0.3]]
    assert shown.age < 1.5
    left = store.pttl(f"anpr:camera:{CAMERA}:live") / 1000
    assert pictures.LIVE_SECONDS - 2 < left <= pictures.LIVE_SECONDS
    assert abs(shown.facts["captured"] - time.time()) < 5


def test_a_small_picture_is_not_blown_up_and_nobody_elses_camera_is_shown() -> None:
    pictures.keep_watched(CAMERA)
    read_through(LivePicture(CAMERA + 1), frames(1))
    read_through(LivePicture(CAMERA), frames(1, size=(180, 320)))
    assert pictures.live(CAMERA + 1) is None
    shown = pictures.live(CAMERA)
    assert shown is not None
    assert inspect_image(shown.jpeg).width == 320


def test_a_picture_that_was_not_read_shows_no_plates_of_the_one_before() -> None:
    pictures.keep_watched(CAMERA)
    live = LivePicture(CAMERA)
    given = live.of(frames(2, pictures.EVERY + 0.05))
    first = next(given)
    assert first is not None
    live(first.image, [read_of("BB6232RB")], 0.1)
    assert [next(given), type(next(given))] == [None, Frame]
    next(given)  # a motion gate passed over this one
    shown = pictures.live(CAMERA)
    assert shown is not None
    assert shown.facts["plates"] == []


def test_reading_goes_on_without_redis(settings: Any, encoded: list[int]) -> None:
    settings.REDIS_URL = NOWHERE
    started = time.monotonic()
    assert read_through(LivePicture(CAMERA), frames(50, 0.01)) == list(range(50))
    assert time.monotonic() - started < 3
    assert encoded == []
    with pytest.raises(pictures.PicturesAwayError) as away:
        pictures.live(CAMERA)
    assert away.value.__cause__ is None
    assert "127.0.0.1" not in str(away.value)


def test_a_redis_that_hangs_costs_reading_a_quarter_of_a_second_in_ten(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        assert len(read_through(LivePicture(CAMERA), frames(100, 0.01))) == 100
        assert time.monotonic() - started < 1 + 4 * pictures.READING_SECONDS
