"""RTSP cameras and what befalls them: each fault is told in its own words or got over."""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import translation

from cameras.options import SourceOptions
from cameras.sources import Backoff, Fault, Pace, SourceError, reconnecting, stream
from cameras.tests.rtsp import AccessUnit, RtspServer, Stream, access_units, camera_clip, damaged
from recognition.types import Frame

QUICK = SourceOptions(connect=2.0, read=2.0, silence=3.0, tick=0.2)
SECRET = "officer:hunter2"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[AccessUnit]:
    """The same road, larger."""
    return access_units(camera_clip(tmp_path_factory.mktemp("clips") / "large.mp4", size=(640, 360)))


def watch(
    url: str, seconds: float, *, fps: float = 30, options: SourceOptions = QUICK
) -> list[tuple[Frame, float]]:
    """Frames of so many seconds from the first one on, with their age when they came."""
    seen: list[tuple[Frame, float]] = []
    until = float("inf")
    with closing(stream(url, fps=fps, live=True, options=options)) as frames:
        for frame in frames:
            if frame:
                seen.append((frame, (datetime.now(UTC) - frame.captured_at).total_seconds()))
                until = min(until, time.monotonic() + seconds)
            if time.monotonic() > until:
                return seen
    return seen


def fault(url: str, *, options: SourceOptions = QUICK) -> tuple[Fault, float]:
    """What is said of a source that fails, and after how many seconds."""
    started = time.monotonic()
    with pytest.raises(SourceError) as failed:
        list(stream(url, fps=12, live=True, options=options))
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    assert "127.0.0.1" not in str(failed.value)
    assert "hunter2" not in str(failed.value)
    return failed.value.fault, time.monotonic() - started


def until(frames: Iterator[Frame | None], enough: Callable[[Frame], bool], seconds: float = 20) -> Frame:
    """The first frame that is enough."""
    end = time.monotonic() + seconds
    for frame in frames:
        if frame and enough(frame):
            return frame
        assert time.monotonic() < end, "it never came"
    raise AssertionError("it ended")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_come_over_tcp_and_udp_with_the_time_of_their_capture(
    units: list[AccessUnit], transport: str
) -> None:
    with RtspServer({"live": Stream(units)}) as server:
        seen = watch(server.url(), 3, options=SourceOptions(transport=transport))
    assert len(seen) >= 24
    assert {frame.image.shape for frame, _ in seen} == {(180, 320, 3)}
    ages = sorted(age for _, age in seen)
    assert ages[0] >= 0
    # The first ones waited while the stream was being opened.
    assert ages[len(ages) // 2] < 0.4
    times = [frame.captured_at for frame, _ in seen]
    assert times == sorted(times)


@pytest.mark.parametrize(("ahead", "stamped"), [(3600.0, True), (-86400.0, True), (0.0, False)])
def test_a_camera_whose_clock_is_wrong_or_silent_is_timed_by_ours(
    units: list[AccessUnit], ahead: float, stamped: bool
) -> None:
    with RtspServer({"live": Stream(units, clock_ahead=ahead, stamped=stamped)}) as server:
        seen = watch(server.url(), 2)
    assert len(seen) >= 15
    assert all(0 <= age < 2 for _, age in seen)


def test_a_picture_held_back_until_the_next_one_is_not_taken_for_a_later_one(units: list[AccessUnit]) -> None:
    with RtspServer({"live": Stream(units, fps=2, stamped=False)}) as server:
        seen = watch(server.url(), 3)
    assert all(0.4 < age < 1 for _, age in seen[1:])


def test_times_are_those_of_the_camera_where_its_clock_is_about_right(units: list[AccessUnit]) -> None:
    with RtspServer({"live": Stream(units, clock_ahead=-1.2)}) as server:
        seen = watch(server.url(), 2)
    assert all(age >= 1.1 for _, age in seen[2:])


@pytest.mark.parametrize("fps", [1, 60])
def test_slow_and_fast_cameras(units: list[AccessUnit], fps: int) -> None:
    started = time.monotonic()
    with RtspServer({"live": Stream(units, fps=fps)}) as server:
        seen = watch(server.url(), 3, fps=60)
        assert time.monotonic() - started < 10
    assert (3 if fps == 1 else 60) <= len(seen) <= 3.5 * fps + 2
    # FFmpeg holds each picture back until the next one comes.
    assert all(age < 1 / fps + 0.6 for _, age in seen[len(seen) // 2 :])


def test_a_password_is_given_in_the_old_and_in_the_new_way(units: list[AccessUnit]) -> None:
    for digest in (False, True):
        with RtspServer({"live": Stream(units)}, password=SECRET, digest=digest) as server:
            assert watch(server.url(user=SECRET), 0.2)
            assert fault(server.url(user="officer:wrong"))[0] is Fault.PASSWORD
            assert fault(server.url())[0] is Fault.PASSWORD


def test_what_is_wrong_is_told_apart_within_seconds(units: list[AccessUnit]) -> None:
    with RtspServer({"live": Stream(units, ends_after=10), "mute": Stream(units, silent=True)}) as server:
        faults = {
            Fault.NOT_FOUND: server.url("nowhere"),
            Fault.ENDED: server.url(),
            Fault.REFUSED: "rtsp://127.0.0.1:9/live",
            Fault.UNKNOWN_HOST: "rtsp://camera.invalid/live",
        }
        for expected, url in faults.items():
            found, seconds = fault(url)
            assert found is expected
            assert seconds < 10
        found, seconds = fault(server.url("mute"))
        assert found in {Fault.TIMEOUT, Fault.SILENT}
        assert seconds < 10


def test_a_host_that_takes_connections_and_never_answers_is_given_up_in_time() -> None:
    with RtspServer({}, deaf=True) as server:
        found, seconds = fault(server.url())
    assert found is Fault.TIMEOUT
    assert seconds < 6


def test_a_reader_is_never_left_without_a_sign_while_it_connects() -> None:
    with (
        RtspServer({}, deaf=True) as server,
        closing(stream(server.url(), fps=12, live=True, options=QUICK)) as frames,
    ):
        started = time.monotonic()
        assert next(frames) is None
        assert time.monotonic() - started < 1
        frames.close()
        assert time.monotonic() - started < 2, "closing does not wait for the time-out"


def test_damaged_video_is_told_and_a_damaged_stretch_is_got_over(units: list[AccessUnit]) -> None:
    line = Stream(units, sends=damaged())
    with RtspServer({"live": line}) as server:
        found, seconds = fault(server.url())
        assert found is Fault.CORRUPT
        assert seconds < 15
        line.sends = lambda unit: unit
        with closing(stream(server.url(), fps=12, live=True, options=QUICK)) as frames:
            until(frames, lambda _: True)
            line.sends = damaged()
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                next(frames)
            line.sends = lambda unit: unit
            passed = until(frames, lambda _: True).number
            until(frames, lambda frame: frame.number > passed + 5)
        assert server.connections == 2, "the connection held, and a damaged picture costs itself alone"


def test_a_picture_that_changes_its_size_goes_on(units: list[AccessUnit], large: list[AccessUnit]) -> None:
    line = Stream(units)
    with (
        RtspServer({"live": line}) as server,
        closing(stream(server.url(), fps=12, live=True, options=QUICK)) as frames,
    ):
        until(frames, lambda frame: frame.image.shape == (180, 320, 3))
        line.units = large
        until(frames, lambda frame: frame.image.shape == (360, 640, 3))
        line.units = units
        until(frames, lambda frame: frame.image.shape == (180, 320, 3))
        assert server.connections == 1


def persistent(url: str, failures: list[Fault], *, frozen: float = 60.0) -> Generator[Frame | None]:
    """The source as a worker reads it, tried again soon."""
    options = SourceOptions(connect=2.0, read=2.0, silence=3.0, frozen=frozen, tick=0.2)
    return reconnecting(
        lambda: stream(url, fps=12, live=True, options=options),
        lambda error, _wait: failures.append(error.fault),
        backoff=Backoff(Pace(0.2, 1.0)),
        options=options,
    )


def test_a_server_killed_and_started_again_is_found_again(units: list[AccessUnit]) -> None:
    failures: list[Fault] = []
    server = RtspServer({"live": Stream(units)})
    frames = persistent(server.url(), failures)
    until(frames, lambda _: True)
    server.kill()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        next(frames)
    assert failures[0] in {Fault.BROKEN, Fault.ENDED, Fault.TIMEOUT}
    assert set(failures[1:]) == {Fault.REFUSED}
    assert len(failures) < 12, "a dead camera is not stormed"
    with RtspServer({"live": Stream(units)}, port=server.port):
        until(frames, lambda _: True, seconds=10)
    frames.close()


def test_a_connection_that_is_open_on_one_side_only_is_noticed(units: list[AccessUnit]) -> None:
    failures: list[Fault] = []
    line = Stream(units)
    with RtspServer({"live": line}) as server:
        frames = persistent(server.url(), failures)
        until(frames, lambda _: True)
        line.silent = True
        end = time.monotonic() + 10
        while not failures:
            next(frames)
            assert time.monotonic() < end
        line.silent = False
        until(frames, lambda _: True, seconds=10)
        frames.close()
    assert set(failures) <= {Fault.TIMEOUT, Fault.SILENT}


def test_a_frozen_picture_is_told_until_it_changes(units: list[AccessUnit]) -> None:
    failures: list[Fault] = []
    line = Stream([units[0]])
    with RtspServer({"live": line}) as server:
        frames = persistent(server.url(), failures, frozen=1.5)
        end = time.monotonic() + 15
        while len(failures) < 2:
            next(frames)
            assert time.monotonic() < end
        assert set(failures) == {Fault.FROZEN}
        line.units = units
        until(frames, lambda _: True, seconds=10)
        frames.close()


def test_a_consumer_that_does_not_look_costs_no_memory(large: list[AccessUnit]) -> None:
    with (
        RtspServer({"live": Stream(large, fps=60)}) as server,
        closing(stream(server.url(), fps=60, live=True, options=QUICK)) as frames,
    ):
        first = until(frames, lambda frame: frame.number > 30)
        before = resident()
        time.sleep(4)
        grown = resident() - before
        second = until(frames, lambda frame: frame.number > first.number)
    assert second.number > first.number + 150
    assert (datetime.now(UTC) - second.captured_at).total_seconds() < 1.5
    # 240 pictures were decoded meanwhile, 83 MB as they come and 166 MB as RGB.
    assert grown < 20_000_000


def resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_passwords_are_in_no_log_and_no_output(
    units: list[AccessUnit], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    with RtspServer({"live": Stream(units, ends_after=12)}, password=SECRET) as server:
        for url in (
            server.url(user=SECRET),
            server.url(user="officer:hunter3"),
            server.url("nowhere", user=SECRET),
            f"rtsp://{SECRET}@127.0.0.1:9/live",
            f"http://{SECRET}@127.0.0.1:{server.port}/",
            f"http://{SECRET}@camera.invalid/",
        ):
            with pytest.raises(SourceError) as failed:
                list(stream(url, fps=12, live=True, options=QUICK))
            for language in ("fr", "en"):
                with translation.override(language):
                    said.append(str(failed.value))
    printed = capfd.readouterr()
    everything = caplog.text + printed.out + printed.err + "".join(said)
    assert "hunter" not in everything
    assert "officer" not in everything
