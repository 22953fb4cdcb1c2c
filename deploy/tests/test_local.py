"""`make run` from start to end, with small processes in the place of the product's."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded import REPOSITORY
from deploy.processes import exists, wait_until, working_in

# Runs deploy.local as it is, but for the product's own commands and processes. argv: var, first port, failure
DUMMY = """
import sys
from pathlib import Path
from deploy import environment_file, local, stack
from deploy.supervisor import Program

var, port, failure = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
code = "import os, time; print('pid', os.getpid()); print('ERROR'); print('INFO x@y ready.'); time.sleep(600)"
def programs(port, websocket_port):
    if failure == "processes":
        raise OSError("no more processes")
    names = ("web", "default", "recognition")
    return [Program(name, [sys.executable, "-uc", code], ready="ready") for name in names]
def run(self, *arguments):
    if failure in arguments:
        raise stack.CommandFailedError(["manage.py", failure], 1, "column does not exist")
    return "operator: mot de passe abc" if "demo" in arguments else ""
local.VAR = var
local.environment_file.ensure = lambda path, environ: False
local.load_dotenv = lambda path: None
stack.programs, stack.Stack.run, stack.status_of = programs, run, lambda url: 200
sys.exit(local.main())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="anpr-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def launch(place: Path, *, port: int = 0, failure: str = "-") -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"PORT": str(port), "WEBSOCKET_PORT": "0", "LOG_LEVEL": "WARNING"}
    return subprocess.Popen(
        [sys.executable, "-uc", DUMMY, str(place / "var"), str(port), failure],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
        env=environment,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> str:
    read = ""
    assert process.stdout is not None
    for line in process.stdout:
        read += line
        if text in line:
            return read
    pytest.fail(f"ended without {text!r}:\n{read}")


def children_of(place: Path) -> list[int]:
    """Process ids that the dummies wrote to their logs, and our servers'."""
    pids = [
        int(line.split()[1])
        for log in (place / "var" / "log").glob("*.log")
        for line in log.read_text(errors="replace").splitlines()
        if line.startswith("pid ")
    ]
    return pids + working_in(place / "var" / "postgres") + working_in(place / "var" / "redis")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_everything(place: Path, number: signal.Signals) -> None:
    process = launch(place)
    read = read_until(process, "Ctrl-C")
    pids = children_of(place)
    assert len(pids) >= 5
    assert "[3/7] Migrations ... " in read
    assert "operator: mot de passe abc" in read
    process.send_signal(number)
    assert process.stdout is not None
    with process.stdout:
        rest = process.stdout.read()
    assert process.wait(15) == 0, rest
    assert "Tout est arrêté." in rest
    assert not [pid for pid in pids if exists(pid)]


def test_a_failed_step_is_named_with_its_output_and_a_hint(place: Path) -> None:
    process = launch(place, failure="migrate")
    assert process.stdout is not None
    with process.stdout:
        read = process.stdout.read()
    assert process.wait(15) == 1
    assert "[3/7] Migrations ... ÉCHEC" in read
    assert "column does not exist" in read
    assert "Que faire :" in read
    assert not working_in(place / "var" / "postgres")


def test_log_ins_are_shown_even_when_a_later_step_fails(place: Path) -> None:
    process = launch(place, failure="processes")
    assert process.stdout is not None
    with process.stdout:
        read = process.stdout.read()
    assert process.wait(15) == 1
    assert "operator: mot de passe abc" in read
    assert not working_in(place / "var" / "postgres")


def test_kill_9_of_make_run_leaves_no_process(place: Path) -> None:
    process = launch(place)
    read_until(process, "Ctrl-C")
    pids = children_of(place)
    assert len(pids) >= 5
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert wait_until(lambda: not any(exists(pid) for pid in pids), 15)
