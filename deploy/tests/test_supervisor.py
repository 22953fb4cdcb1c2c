"""The supervisor with small children in the place of the product's processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.processes import exists, group_exists, wait_until
from deploy.supervisor import Program, Supervisor

# A child that starts one of its own, as Celery and granian do, and says both process ids.
PARENT_OF_ONE = textwrap.dedent(
    """
    import os, subprocess, sys, time
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("pids", os.getpid(), helper.pid, flush=True)
    print("ready.", flush=True)
    time.sleep(600)
    """
)
STUBBORN = PARENT_OF_ONE.replace(
    "import os,", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nimport os,"
)


@pytest.fixture
def lines() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def supervise(
    tmp_path: Path, lines: list[tuple[str, str]], reports: list[str]
) -> Iterator[Callable[..., Supervisor]]:
    running: list[Supervisor] = []

    def start(*programs: Program) -> Supervisor:
        supervisor = Supervisor(
            programs,
            environment=os.environ,
            directory=tmp_path,
            logs=tmp_path / "log",
            echo=lambda name, line: lines.append((name, line)),
            report=reports.append,
            restart_delays=(0.1, 0.4),
        )
        running.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in running:
        supervisor.stop()


def python(name: str, code: str, **options: object) -> Program:
    return Program(name, [sys.executable, "-c", code], ready="ready", **options)  # type: ignore[arg-type]


def pids_said(lines: list[tuple[str, str]]) -> list[int]:
    return [int(word) for _, line in lines if line.startswith("pids") for word in line.split()[1:]]


def test_output_goes_to_the_log_and_to_the_echo(
    supervise: Callable[..., Supervisor], lines: list[tuple[str, str]], tmp_path: Path
) -> None:
    supervisor = supervise(python("web", PARENT_OF_ONE))
    assert supervisor.wait_ready("web", 10)
    assert ("web", "ready.") in lines
    assert "ready." in (tmp_path / "log" / "web.log").read_text()


def test_stop_leaves_no_process_not_even_grandchildren(
    supervise: Callable[..., Supervisor], lines: list[tuple[str, str]]
) -> None:
    supervisor = supervise(python("one", PARENT_OF_ONE), python("two", PARENT_OF_ONE, stage=1))
    assert supervisor.wait_ready("one", 10)
    assert supervisor.wait_ready("two", 10)
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 3
    assert len(pids_said(lines)) == 4
    assert not [pid for pid in pids_said(lines) if exists(pid)]


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace_time(
    supervise: Callable[..., Supervisor], lines: list[tuple[str, str]]
) -> None:
    supervisor = supervise(python("stubborn", STUBBORN, grace=0.5))
    assert supervisor.wait_ready("stubborn", 10)
    started = time.monotonic()
    supervisor.stop()
    assert 0.4 < time.monotonic() - started < 3
    assert not [pid for pid in pids_said(lines) if exists(pid)]


def test_hurry_cuts_the_grace_time(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(python("stubborn", STUBBORN, grace=30))
    assert supervisor.wait_ready("stubborn", 10)
    supervisor.hurry()
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 3


def test_a_killed_child_is_started_again_and_the_report_shows_its_last_words(
    supervise: Callable[..., Supervisor], reports: list[str], lines: list[tuple[str, str]]
) -> None:
    supervisor = supervise(python("worker", PARENT_OF_ONE), python("other", PARENT_OF_ONE))
    assert supervisor.wait_ready("worker", 10)
    assert supervisor.wait_ready("other", 10)
    first, untouched = supervisor.pid("worker"), supervisor.pid("other")
    supervisor.kill("worker")
    assert wait_until(lambda: supervisor.pid("worker") not in (None, first), 10)
    assert supervisor.wait_ready("worker", 10)
    assert supervisor.pid("other") == untouched
    assert "worker s'est arrêté tout seul (signal 9)" in reports[0]
    assert "ready." in reports[0]
    assert len([pid for pid in pids_said(lines) if exists(pid)]) == 4


def test_killing_only_the_main_process_sweeps_its_children_away(
    supervise: Callable[..., Supervisor],
) -> None:
    supervisor = supervise(python("pool", PARENT_OF_ONE))
    assert supervisor.wait_ready("pool", 10)
    first = supervisor.pid("pool")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: supervisor.pid("pool") not in (None, first), 10)
    assert not group_exists(first)


def test_restarts_come_slower_while_a_child_keeps_dying(
    supervise: Callable[..., Supervisor], reports: list[str]
) -> None:
    supervisor = supervise(python("broken", "raise SystemExit('no database')"))
    assert wait_until(lambda: len([one for one in reports if "arrêté" in one]) >= 3, 10)
    delays = [one.split("redémarrage dans ")[1].split(" ")[0] for one in reports if "arrêté" in one]
    assert delays[:3] == ["0.1", "0.4", "0.4"]
    assert "no database" in reports[0]
    assert supervisor.failures("broken") >= 3


def test_nothing_lingers_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
from pathlib import Path
from deploy.supervisor import Program, Supervisor
supervisor = Supervisor(
    [Program("one", [sys.executable, "-c", {STUBBORN!r}])], environment=os.environ, directory=Path("."),
    logs=Path({str(tmp_path)!r}), echo=lambda name, line: print(line, flush=True), report=print)
supervisor.start()
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        pids = [int(word) for word in process.stdout.readline().split()[1:]]
        process.kill()
        process.wait()
    assert len(pids) == 2
    # The child ignores SIGTERM, so this takes the watchdog's five seconds.
    assert wait_until(lambda: not any(exists(pid) for pid in pids), 10)
