"""The measure taken of a camera being read: by a controlled clock, and of a real clip."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from cameras import samples, workers
from cameras.gauging import Gauge
from cameras.health import vitals_of
from cameras.models import Camera, CameraSample
from cameras.samples import Tally
from cameras.sources import Fault, SourceError, frames_of, stream
from cameras.sources.capture import Captured
from cameras.tests.rtsp import AccessUnit, RtspServer, Stream
from conftest import at
from recognition.engines.observed import ObservedEngine
from recognition.types import Frame

pytestmark = pytest.mark.django_db(transaction=True)

NOW = at("2026-11-21T10:00:00+00:00")
IMAGE = np.zeros((4, 4, 3), np.uint8)


class Reading:
    """A worker reading, by a clock of its own."""

    def __init__(self, camera: Camera, clock: Any, *, fps: float | None = 6.0) -> None:
        """Begins now."""
        self.clock, self.seconds = clock, 0.0
        self.gauge = Gauge(camera.pk, fps, monotonic=lambda: self.seconds)

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.seconds += seconds
        self.clock.shift(timedelta(seconds=seconds))

    def frames(self, count: int, *, every: float, step: int = 4, delay: float = 0.3) -> None:
        """Frames that come, each the fourth that was captured, and are read in 80 ms."""
        for index in range(count):
            self.wait(every)
            taken = timezone.now() - timedelta(seconds=delay)
            self.gauge.beat(Captured(IMAGE, taken, step * index, 0.007, 1.5))
            self.gauge.read(IMAGE, [], 0.08)


@pytest.fixture
def reading(camera: Camera) -> Iterator[Reading]:
    """A reading that begins on the minute."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield Reading(camera, clock)


def test_a_minute_is_written_when_it_is_over(reading: Reading) -> None:
    reading.frames(299, every=0.2)
    assert not CameraSample.objects.exists()
    reading.frames(2, every=0.2)
    sample = CameraSample.objects.get()
    assert sample.minute == NOW
    assert (sample.frames, sample.reads, sample.fps_asked) == (299, 299, 6)
    assert sample.captured == 298 * 4 + 1
    assert sample.seconds == pytest.approx(60, abs=0.3)
    assert sample.seconds_online == pytest.approx(59.8, abs=0.3)
    assert sample.decode_seconds / sample.frames == pytest.approx(0.007)
    assert sample.read_seconds / sample.reads == pytest.approx(0.08)
    assert (sample.read_max, sample.decode_max, sample.clock_ahead) == (0.08, 0.007, 1.5)
    assert sample.delay_seconds / sample.frames == pytest.approx(0.3)
    assert (sample.drops, sample.failures, sample.last_fault) == (0, 0, "")


def test_failures_end_the_time_online_and_count_once_as_a_drop(reading: Reading) -> None:
    reading.frames(50, every=0.2)
    for _attempt in range(3):
        reading.gauge.failed(SourceError("away", fault=Fault.REFUSED))
        for _tick in range(5):
            reading.wait(1)
            reading.gauge.beat(None)
    reading.frames(50, every=0.2)
    reading.gauge.stop()
    sample = CameraSample.objects.get()
    assert (sample.drops, sample.failures, sample.last_fault) == (1, 3, "refused")
    assert sample.seconds == pytest.approx(35)
    assert sample.seconds_online == pytest.approx(20, abs=0.5)
    assert sample.captured == 2 * (49 * 4 + 1), "a new connection counts from the start"


@pytest.mark.parametrize(("fps", "online"), [(None, 19), (6.0, 0)])
def test_a_folder_without_photos_is_online_and_a_camera_without_pictures_is_not(
    reading: Reading, camera: Camera, fps: float | None, online: float
) -> None:
    folder = Reading(camera, reading.clock, fps=fps)
    for _tick in range(20):
        folder.wait(1)
        folder.gauge.beat(None)
    folder.gauge.stop()
    assert CameraSample.objects.get().seconds_online == pytest.approx(online)


def test_two_workers_in_one_minute_add_up(camera: Camera) -> None:
    first = Tally(seconds=20, frames=100, read_max=0.3, clock_ahead=2, last_fault="refused")
    for tally in (first, Tally(fps_asked=6, seconds=30, frames=150, read_max=0.2)):
        samples.add(camera.pk, NOW, tally)
    sample = CameraSample.objects.get()
    assert (sample.seconds, sample.frames, sample.read_max) == (50, 250, 0.3)
    assert (sample.fps_asked, sample.clock_ahead, sample.last_fault) == (6, 2, "refused")


def test_a_database_that_is_away_stops_no_reading(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_arguments: object) -> None:
        raise OperationalError("planted")

    with monkeypatch.context() as patched:
        patched.setattr(samples, "add", away)
        reading.frames(350, every=0.2)
    assert "are lost" in caplog.text
    reading.frames(300, every=0.2)
    [sample] = CameraSample.objects.all()
    assert sample.minute == NOW + timedelta(minutes=1)


def test_a_folder_has_no_pace(camera: Camera) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        reading = Reading(camera, clock, fps=None)
        reading.gauge.beat(Frame(IMAGE, NOW - timedelta(hours=2)))
        reading.gauge.stop()
    sample = CameraSample.objects.get()
    assert (sample.fps_asked, sample.frames, sample.delay_max) == (None, 1, 7200)


def test_recordings_tell_what_decoding_took(road: Path) -> None:
    camera = Camera(stream_url=road.as_uri(), fps=6)
    frames = [frame for frame in frames_of(camera, live=False) if frame is not None]
    assert len(frames) == 12
    assert all(isinstance(frame, Captured) and 0 < frame.decode_seconds < 1 for frame in frames)


def test_a_camera_of_the_network_tells_its_clock(units: list[AccessUnit]) -> None:
    with (
        RtspServer({"live": Stream(units, clock_ahead=12.0)}) as server,
        closing(stream(server.url(), fps=12, live=True)) as frames,
    ):
        seen = list(islice((frame for frame in frames if isinstance(frame, Captured)), 8))
    assert seen[-1].clock_ahead == pytest.approx(12, abs=1)
    assert all(0 < frame.decode_seconds < 1 for frame in seen)


@pytest.mark.models
def test_a_real_reading_gives_true_figures(
    camera: Camera, road: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drawn clip of twelve pictures a second, played again and again, read at four, for some seconds."""
    camera.stream_url, camera.fps, camera.settings = road.as_uri(), 4, {"loop": True}
    camera.save()
    stop = threading.Event()
    seconds: list[float] = []
    engine = ObservedEngine(workers.engine_of(camera), lambda _image, _reads, spent: seconds.append(spent))
    engine.warm_up()
    monkeypatch.setattr(workers, "stopping", stop)
    monkeypatch.setattr(workers, "engine_of", lambda _camera: engine)

    def work() -> None:
        try:
            workers.watch(camera.pk, lambda _camera, _passage, _event: None)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    stop.wait(14)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    tallies = list(CameraSample.objects.all())
    frames, online = sum(one.frames for one in tallies), sum(one.seconds_online for one in tallies)
    assert online > 5
    assert 0.2 < frames / online < 4.5, "as many as asked for, or what processors give that others use too"
    assert sum(one.captured for one in tallies) > frames
    assert sum(one.reads for one in tallies) == len(seconds) > 0
    assert sum(one.read_seconds for one in tallies) == pytest.approx(sum(seconds), rel=0.1)
    assert max(one.read_max for one in tallies) == pytest.approx(max(seconds), rel=0.1)
    assert 0 < sum(one.decode_seconds for one in tallies) / frames < 1
    assert all(one.drops == one.failures == 0 for one in tallies)
    assert {one.fps_asked for one in tallies} == {None}, "a recording has no pace of its own"
    camera.refresh_from_db()
    vitals = vitals_of([camera], now=timezone.now())[camera.pk]
    assert vitals.reason == "Aucun processus ne lit cette caméra.", "since the worker has stopped"
