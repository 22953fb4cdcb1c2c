"""Wake-ups: the first at once, the rest together, never at the expense of who stores passages."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from detections import wake_ups


class Sent:
    """Notes which tasks are sent, and when."""

    def __init__(self, wait: float = 0) -> None:
        """`wait`: seconds that each message takes."""
        self.tasks: list[str] = []
        self.times: list[float] = []
        self._wait = wait

    def __call__(self, task: str) -> None:
        """Take a message."""
        self.tasks.append(task)
        self.times.append(time.monotonic())
        time.sleep(self._wait)


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_first_is_sent_at_once_and_the_rest_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, bell = Sent(), wake_ups.Bell()
    monkeypatch.setattr(wake_ups, "send", sent)
    started = time.monotonic()
    bell.ring(["a"])
    until(lambda: sent.tasks == ["a"])
    assert sent.times[0] - started < wake_ups.PAUSE
    for _ in range(500):
        bell.ring(["a", "b"])
    until(lambda: len(sent.tasks) >= 3)
    time.sleep(3 * wake_ups.PAUSE)
    assert sent.tasks == ["a", "a", "b"]
    assert sent.times[1] - sent.times[0] >= wake_ups.PAUSE


def test_a_ring_while_messages_go_out_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, bell = Sent(wait=0.05), wake_ups.Bell()
    monkeypatch.setattr(wake_ups, "send", sent)
    bell.ring(["a"])
    until(lambda: sent.tasks == ["a"])
    bell.ring(["a"])
    until(lambda: sent.tasks == ["a", "a"])


def test_a_broker_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, bell = threading.Event(), wake_ups.Bell()
    monkeypatch.setattr(wake_ups, "send", lambda _task: hanging.wait(10))
    started = time.monotonic()
    for _ in range(100):
        bell.ring(["a"])
    assert time.monotonic() - started < 1
    hanging.set()


def test_without_a_broker_nothing_fails(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("planted")

    monkeypatch.setattr(current_app, "send_task", away)
    wake_ups.send("a.task")
    assert "a.task waits for the next sweep" in caplog.text


def test_a_forked_process_has_a_bell_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery forks its workers, perhaps after the parent's thread was started."""
    wake_ups.ring([])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(wake_ups, "send", lambda task: os.write(writing, task.encode()))
        wake_ups.ring(["from-the-child"])
        time.sleep(2)
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 100) == b"from-the-child"
    os.waitpid(child, 0)
