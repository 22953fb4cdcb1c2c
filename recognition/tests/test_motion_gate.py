"""The motion gate: what may be a vehicle opens it, noise and light do not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recognition.motion_gate import MotionGate
from recognition.tests.test_tracking import Scripted, read
from recognition.tracking import PassageBuilder
from recognition.types import RGB, Frame

RNG = np.random.default_rng(4)
ROAD: RGB = np.repeat(RNG.integers(60, 190, (90, 160, 3), dtype=np.uint8), 8, 0).repeat(8, 1)
START = datetime(2026, 6, 1, 12, tzinfo=UTC)


def noisy(image: RGB, sigma: float, lighter: float = 0) -> RGB:
    """The picture as a sensor gives it again."""
    return np.clip(image + RNG.normal(lighter, sigma, image.shape), 0, 255).astype(np.uint8)


def with_vehicle(image: RGB, x: int, size: tuple[int, int] = (60, 80), level: int = 30) -> RGB:
    """A dark body of that width and height on the road."""
    changed = image.copy()
    changed[400 : 400 + size[1], x : x + size[0]] = level
    return changed


@pytest.mark.parametrize("sigma", [0, 4, 12])
def test_noise_alone_is_no_movement(sigma: float) -> None:
    gate = MotionGate()
    gate.look(noisy(ROAD, sigma))
    assert not any(gate.moved(noisy(ROAD, sigma)) for _ in range(10))


@pytest.mark.parametrize("lighter", [-25, 25])
def test_a_cloud_or_the_exposure_is_no_movement(lighter: float) -> None:
    gate = MotionGate()
    gate.look(noisy(ROAD, 4))
    assert not gate.moved(noisy(ROAD, 4, lighter))


@pytest.mark.parametrize("sigma", [0, 4, 12])
def test_the_smallest_vehicle_whose_plate_can_be_read_is_movement(sigma: float) -> None:
    gate = MotionGate()
    gate.look(noisy(ROAD, sigma))
    assert gate.moved(noisy(with_vehicle(ROAD, 600), sigma))


def test_a_slow_vehicle_moves_against_the_picture_looked_at_not_the_last() -> None:
    gate = MotionGate()
    gate.look(noisy(with_vehicle(ROAD, 600), 4))
    moved = [gate.moved(noisy(with_vehicle(ROAD, 600 + x), 4)) for x in range(0, 40, 2)]
    assert not moved[0]
    assert moved[-1]


def test_a_camera_that_turns_sees_movement_everywhere() -> None:
    gate = MotionGate()
    gate.look(ROAD)
    assert gate.moved(np.roll(ROAD, 100, 1))


def test_without_a_picture_looked_at_and_at_another_size_everything_moved() -> None:
    gate = MotionGate()
    assert gate.moved(ROAD)
    gate.look(ROAD)
    assert gate.moved(ROAD[:360])
    tiny = np.zeros((3, 3, 3), np.uint8)
    gate.look(tiny)
    assert gate.moved(tiny)


def frame(number: int, image: RGB) -> Frame:
    return Frame(image, START + timedelta(seconds=number / 10), number)


def test_an_empty_road_is_read_once_a_second_only() -> None:
    engine = Scripted([[]] * 100)
    builder = PassageBuilder(engine)
    for number in range(51):
        builder.add(frame(number, noisy(ROAD, 4)))
    assert len(engine.calls) == 6


def test_a_vehicle_that_stops_is_read_until_it_is_given_out_and_then_seldom() -> None:
    engine = Scripted([[read("BB6232RB", (100, 100, 160, 118))]] * 100)
    builder = PassageBuilder(engine)
    given = [number for number in range(121) if builder.add(frame(number, noisy(ROAD, 4)))]
    assert given == [20]
    assert len(engine.calls) == 21 + 10
    assert builder.finish() == []


def test_a_vehicle_that_nobody_can_read_does_not_keep_the_gate_open() -> None:
    doubtful = read("BB6232RB", (100, 100, 160, 118), confidence=0.2)
    engine = Scripted([[doubtful]] * 200)
    builder = PassageBuilder(engine)
    for number in range(201):
        builder.add(frame(number, noisy(ROAD, 4)))
    assert len(engine.calls) == pytest.approx(102 + 10, abs=1)
