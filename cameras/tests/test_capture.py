"""When pictures were captured, and which of them are worth decoding."""

from typing import Any

import pytest
import time_machine

from cameras.sources.capture import CaptureClock, PacketTimes
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


def test_a_clock_near_the_limit_is_not_believed_now_and_again() -> None:
    """Once its reports were too late they stay so, until they are clearly less late."""
    clock = CaptureClock()
    delays = [1.8, 2.2, 1.8, 2.2, 1.6, 1.4, 1.8, 1.9]
    believed = []
    for n, delay in enumerate(delays):
        reported = 1000 + n / 10 - delay
        believed.append(clock.at(1000 + n / 10, 5 + n / 10, reported) == reported)
    assert believed == [True, False, False, False, False, True, True, True]


class Packet:
    """A packet, or its picture, with the report of the camera's clock."""

    def __init__(self, pts: int | None, reported: float | None = None) -> None:
        self.pts, self.time_base = pts, 0.1
        self._reported = reported

    def iter_sidedata(self) -> list[Any]:
        if self._reported is None:
            return []
        data = int(self._reported * 1e6).to_bytes(8, "little")

        class Report(bytes):
            data_type = "prft"

        return [Report(data)]


def test_no_picture_is_earlier_than_the_one_before() -> None:
    times, told = PacketTimes(stamped=True, behind=False), []
    with time_machine.travel(1000.0, tick=False) as ours:
        for n, delay in enumerate([2.2, 2.2, 2.2, 1.4, 1.4, 1.4, 1.4]):
            packet = Packet(n, 1000 + n / 10 - delay)
            told.append(times.of(packet, times.take(packet)))
            ours.shift(0.1)
    assert told == sorted(told), "from arrival back to the camera's own clock"
    assert max(told) == pytest.approx(1000.2, abs=0.01)


def test_packets_out_of_order_give_pictures_their_own_times() -> None:
    times = PacketTimes(stamped=True, behind=False)
    with time_machine.travel(1000.0, tick=False) as ours:
        for pts in (0, 3, 1, 2):
            times.take(Packet(pts, 1000 + pts / 10 - 0.5))
            ours.shift(0.1)
    told = [times.of(Packet(pts), 0.0) for pts in range(4)]
    assert told == pytest.approx([999.5, 999.6, 999.7, 999.8], abs=0.01)


def test_our_own_clock_may_be_set_back() -> None:
    times = PacketTimes(stamped=False, behind=False)
    assert times.of(Packet(None), 5000.0) == 5000.0
    assert times.of(Packet(None), 4999.0) == 5000.0
    assert times.of(Packet(None), 1400.0) == 1400.0


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
