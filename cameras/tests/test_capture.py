"""When pictures were captured, and which of them are worth decoding."""

import pytest

from cameras.sources.capture import CaptureClock
from cameras.sources.needed import Needed


def test_without_stamps_a_picture_is_captured_when_it_arrives() -> None:
    assert CaptureClock().at(1000.0) == 1000.0


def test_stamps_take_out_what_the_network_delays() -> None:
    clock = CaptureClock()
    delays = [0.0, 0.3, 0.1, 0.0, 0.8, 0.2]
    times = [clock.at(1000 + n / 10 + delay, 50 + n / 10) for n, delay in enumerate(delays)]
    assert times == pytest.approx([1000 + n / 10 for n in range(6)], abs=0.01)
    assert clock.lag == pytest.approx(0.2, abs=0.01)


def test_reports_of_the_camera_are_believed_while_they_are_about_right() -> None:
    clock = CaptureClock()
    assert clock.at(1000.0, 5.0, 999.7) == 999.7
    assert clock.ahead == pytest.approx(-0.3)
    assert clock.at(1000.0, 5.0, 1000.4) == 1000.0, "nothing is captured after it arrived"
    assert clock.at(1001.0, 6.0, 5000.0) == pytest.approx(1001.0, abs=0.01)
    assert clock.ahead == pytest.approx(3999.0)


@pytest.mark.parametrize("jump", [-40.0, 7000.0])
def test_stamps_that_jump_are_begun_anew(jump: float) -> None:
    clock = CaptureClock()
    clock.at(1000.0, 50.0)
    assert clock.at(1000.1, 50.1 + jump) == pytest.approx(1000.1, abs=0.01)
    assert clock.at(1000.2, 50.2 + jump) == pytest.approx(1000.2, abs=0.01)


def test_a_clock_that_runs_slow_is_followed_and_a_stopped_one_left() -> None:
    clock = CaptureClock()
    for second in range(3600):
        at = clock.at(1000.0 + second, second * 0.9999)
    assert at == pytest.approx(1000.0 + second, abs=0.01)
    stopped = CaptureClock()
    for second in range(60):
        assert stopped.at(1000.0 + second, 5.0) == 1000.0 + second
        assert stopped.lag == 0


def wanted(needed: Needed, seconds: float, *, gop: int = 10, fps: int = 10, lag: float = 0.0) -> list[int]:
    return [
        number
        for number in range(round(seconds * fps))
        if needed.wants(number / fps, key=number % gop == 0, lag=lag)
    ]


def test_every_picture_is_decoded_where_the_next_ones_build_on_it() -> None:
    assert wanted(Needed(6), 5) == list(range(50))


def test_decoding_begins_with_a_key_picture() -> None:
    needed = Needed(6)
    assert [needed.wants(n / 10, key=n == 7) for n in range(9)] == [False] * 7 + [True, True]


def test_key_pictures_alone_are_decoded_where_they_come_often_enough() -> None:
    chosen = wanted(Needed(1), 20)
    assert chosen[:31] == list(range(31)), "first it is seen how often they come"
    assert chosen[31:] == list(range(40, 200, 10))


def test_when_key_pictures_stay_away_everything_is_decoded_again() -> None:
    needed = Needed(1)
    wanted(needed, 5)
    later = [at / 10 for at in range(50, 200) if needed.wants(at / 10, key=False)]
    assert later
    assert later[0] <= 5 + 2 + 5
    assert len(later) > 50


def test_a_camera_without_key_pictures_is_decoded_after_a_while() -> None:
    needed = Needed(6)
    chosen = [n for n in range(100) if needed.wants(n / 10, key=False)]
    assert chosen == list(range(51, 100))


def test_a_stream_that_comes_late_is_taken_up_at_its_next_key_picture() -> None:
    needed = Needed(6)
    assert needed.wants(0.0, key=True)
    assert needed.wants(0.1, key=False, lag=0.5)
    assert not needed.wants(0.2, key=False, lag=3.0)
    assert not needed.wants(0.3, key=False, lag=0.0), "its pictures build on one that was left out"
    assert needed.wants(1.0, key=True, lag=3.0)
    assert needed.wants(1.1, key=False, lag=0.0)
