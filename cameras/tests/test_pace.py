"""The pace at which failed sources are tried again, by a clock that stands still until it is told to move."""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from itertools import islice, pairwise

import numpy as np
import pytest

from cameras.options import SourceOptions
from cameras.sources import Backoff, Fault, Pace, SourceError, reconnecting
from cameras.sources.backoff import CAREFUL
from cameras.sources.errors import failure
from cameras.sources.reconnecting import Clock
from cameras.sources.stillness import Stillness
from recognition.types import Frame


class StoppedClock(Clock):
    """Moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def frame(grey: int) -> Frame:
    return Frame(np.full((180, 320, 3), grey, np.uint8), datetime.now(UTC))


def test_waits_double_up_to_the_most() -> None:
    backoff = Backoff(Pace(1.0, 20.0), chance=lambda: 0.0)
    assert [backoff.failed() for _ in range(8)] == [1, 2, 4, 8, 16, 20, 20, 20]


def test_chance_shortens_waits_by_half_at_most_and_spreads_cameras() -> None:
    waits = [Backoff(Pace(16.0, 16.0)).failed() for _ in range(300)]
    assert 8 <= min(waits) < 9
    assert 15 < max(waits) <= 16


def test_only_a_source_that_lasted_begins_anew() -> None:
    backoff = Backoff(Pace(1.0, 20.0), steady=30, chance=lambda: 0.0)
    assert [backoff.failed(lasted=5) for _ in range(4)] == [1, 2, 4, 8]
    assert backoff.failed(lasted=30) == 1


def test_a_refused_password_is_tried_seldom_lest_the_camera_locks_the_account() -> None:
    backoff = Backoff(chance=lambda: 0.0)
    assert [backoff.failed(Fault.PASSWORD) for _ in range(6)] == [30, 60, 120, 240, 300, 300]
    assert CAREFUL.most == 300


def test_a_camera_given_back_rests_as_long_as_it_was_dead() -> None:
    backoff = Backoff(Pace(1.0, 20.0), chance=lambda: 0.0)
    assert [backoff.rest(Fault.REFUSED, dead=dead) for dead in (0, 5, 90)] == [1, 5, 20]
    assert [backoff.rest(Fault.PASSWORD, dead=dead) for dead in (0, 100, 9000)] == [30, 100, 300]
    assert Backoff(chance=lambda: 1.0).rest(Fault.REFUSED, dead=100) == 10


def test_failures_for_years_do_not_overflow() -> None:
    backoff = Backoff(chance=lambda: 0.0)
    assert [backoff.failed() for _ in range(5000)][-1] == 20


def test_a_dead_camera_is_tried_a_few_times_a_minute_and_the_reader_hears_every_second() -> None:
    clock, tries, waits = StoppedClock(), [], []

    def connect() -> Generator[Frame | None]:
        tries.append(clock.time)
        yield None
        raise failure(Fault.REFUSED)

    frames = reconnecting(
        connect,
        lambda _error, wait: waits.append(wait),
        backoff=Backoff(Pace(1.0, 20.0), chance=lambda: 0.0),
        clock=clock,
    )
    heard = [clock.time]
    while clock.time < 1000 + 3600:
        assert next(frames) is None
        heard.append(clock.time)
    assert waits[:7] == [1, 2, 4, 8, 16, 20, 20]
    assert len(tries) <= 5 + 3600 / 20 + 1
    assert max(later - earlier for earlier, later in pairwise(heard)) <= 1


def test_a_camera_that_comes_back_goes_on_where_it_was() -> None:
    clock, told = StoppedClock(), []
    runs: Iterator[list[Frame | SourceError]] = iter(
        [[frame(1), frame(2), failure(Fault.BROKEN)], [failure(Fault.REFUSED)], [frame(3)]]
    )

    def connect() -> Generator[Frame | None]:
        for one in next(runs):
            if isinstance(one, SourceError):
                raise one
            yield one

    seen = list(reconnecting(connect, lambda error, _wait: told.append(error.fault), clock=clock))
    assert [int(one.image[0, 0, 0]) for one in seen if one] == [1, 2, 3]
    assert told == [Fault.BROKEN, Fault.REFUSED]
    assert clock.time - 1000 <= 3


def test_a_frozen_picture_is_a_failure_and_not_shown_again_until_it_changes() -> None:
    clock, told = StoppedClock(), []

    def connect() -> Generator[Frame | None]:
        while True:
            clock.sleep(1)
            yield frame(9 if clock.time > 1100 else 8)

    options = SourceOptions(frozen=10.0)
    frames = reconnecting(
        connect, lambda error, _wait: told.append(error.fault), options=options, clock=clock
    )
    seen = [(clock.time, one) for one in islice(frames, 200) if one]
    assert set(told) == {Fault.FROZEN}
    still = [time for time, _ in seen if time <= 1100]
    assert len(still) == 10
    assert len([time for time, _ in seen if time > 1101]) >= 9


def test_stillness_may_be_left_unwatched() -> None:
    still = Stillness(0)
    for second in range(1000):
        still.look(frame(5).image, float(second))
    assert not still.frozen


def test_a_passing_vehicle_or_a_running_clock_is_no_stillness() -> None:
    still = Stillness(5)
    for second in range(100):
        image = frame(5).image
        image[20:28, 10 + second % 50 : 18 + second % 50] = 200
        still.look(image, float(second))
    assert not still.frozen
    still.look(frame(5).image, 100.0)
    still.look(frame(5).image, 104.9)
    with pytest.raises(SourceError):
        still.look(frame(5).image, 105.0)
