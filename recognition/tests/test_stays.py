"""Vehicles in a parking zone: one passage, and how long they stood."""

from datetime import UTC, datetime, timedelta

import numpy as np

from recognition.stays import Stay
from recognition.tests.test_tracking import Scripted, read
from recognition.tracking import PassageBuilder
from recognition.types import RGB, Box, Frame, Passage, PlateRead
from recognition.zones import Area, Zones

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOISE: RGB = np.random.default_rng(1).integers(0, 255, (400, 640, 3), dtype=np.uint8)
#: The left half of the picture.
PARKING = Zones(parking=(Area(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))),))
LEFT: Box = (100, 100, 160, 118)
RIGHT: Box = (500, 100, 560, 118)


def film(*parts: tuple[int, Box | None], plate: str = "BB6232RB") -> list[list[PlateRead]]:
    """Reads, two frames a second: so many seconds at each place, None while the vehicle is hidden."""
    return [[read(plate, box)] if box else [] for seconds, box in parts for _ in range(2 * seconds)]


def run(script: list[list[PlateRead]], zones: Zones = PARKING) -> tuple[list[Passage], list[Stay]]:
    stays: list[Stay] = []
    builder = PassageBuilder(Scripted(script), zones=zones, on_stay=stays.append)
    given = []
    for number in range(len(script)):
        image = NOISE if number % 2 else ~NOISE
        given += builder.add(Frame(image, START + timedelta(seconds=number / 2), number))
    return given + builder.finish(), stays


def test_a_parked_vehicle_is_one_passage_and_its_stay_is_told_each_minute_and_at_its_end() -> None:
    (passage,), stays = run(film((150, LEFT)))
    assert {(stay.passage_id, stay.captured_at) for stay in stays} == {
        (passage.passage_id, passage.captured_at)
    }
    assert [stay.seconds for stay in stays] == [60, 120, 149.5]


def test_a_vehicle_hidden_for_minutes_stands_there_still() -> None:
    (passage,), stays = run(film((30, LEFT), (300, None), (30, LEFT)))
    assert stays[-1].passage_id == passage.passage_id
    assert stays[-1].seconds == 359.5


def test_out_of_the_zone_and_through_it_is_no_stay() -> None:
    assert run(film((60, RIGHT)))[1] == []
    assert run(film((5, LEFT), (20, RIGHT)))[1] == []
    assert run(film((60, LEFT)), zones=Zones())[1] == []


def test_who_drives_in_and_out_stood_from_then_to_then() -> None:
    slow: list[tuple[int, Box | None]] = [(1, (x, 100.0, x + 60.0, 118.0)) for x in range(500, 100, -40)]
    (passage,), stays = run(film(*slow, (40, LEFT), *reversed(slow), (10, RIGHT)))
    assert stays[-1].passage_id == passage.passage_id
    assert 40 <= stays[-1].seconds <= 60
    assert stays[-1].since > passage.first_seen


def test_a_vehicle_that_does_not_move_at_all_still_stays() -> None:
    stays: list[Stay] = []
    builder = PassageBuilder(Scripted(film((200, LEFT))), zones=PARKING, on_stay=stays.append)
    for number in range(400):
        builder.add(Frame(NOISE, START + timedelta(seconds=number / 2), number))
    builder.finish()
    assert stays[-1].seconds == 199.5


def test_who_only_drives_through_the_zone_is_another_passage_when_it_comes_back() -> None:
    through: list[tuple[int, Box | None]] = [(3, LEFT), (300, None), (3, LEFT)]
    given, stays = run(film(*through))
    assert len(given) == 2
    assert stays == []


def test_who_drove_off_out_of_the_zone_at_the_pictures_edge_is_not_parked() -> None:
    off: list[tuple[int, Box | None]] = [
        (1, (100.0 - 20 * i, 100.0, 160.0 - 20 * i, 118.0)) for i in range(6)
    ]
    given, stays = run(film((30, LEFT), *off, (300, None), (10, LEFT)))
    assert len(given) == 2
    assert max(stay.seconds for stay in stays) < 60
