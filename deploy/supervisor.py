"""Runs the processes of the product: restarts those that die, stops all in order, leaves none behind."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.processes import DeployError, group_exists, keep_small, signal_group, wait_until

RESTART_DELAYS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
# A child that lived this long before it died starts again with the shortest delay.
HEALTHY_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """A process to keep running."""

    name: str
    command: Sequence[str]
    stage: int = 0
    """Programs of the lowest stage are stopped first, those of one stage together."""
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""
    ready: str = ""
    """A pattern; the first line of output in which it is found says that the program is ready."""


@dataclass
class Child:
    """A program and the process that runs it at the moment."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    reader: threading.Thread | None = None


class Supervisor:
    """Children in sessions of their own, their output in `logs`/NAME.log and, line by line, to `echo`.

    `report` gets what the supervisor itself has to say (a child died, a child is started again).
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        environment: Mapping[str, str],
        directory: Path,
        logs: Path,
        echo: Callable[[str, str], None],
        report: Callable[[str], None],
        restart_delays: Sequence[float] = RESTART_DELAYS,
    ) -> None:
        """Nothing is started yet. `restart_delays` are in seconds; the last one is repeated."""
        self._children = {program.name: Child(program) for program in programs}
        self._environment = dict(environment)
        self._directory = directory
        self._logs = logs
        self._echo = echo
        self._report = report
        self._delays = restart_delays
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._watchdog: subprocess.Popen[str] | None = None
        self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start all programs and keep them running from now on."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("watchdog.py"))],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with self._lock:
            for child in self._children.values():
                self._launch(child)
        self._keeper.start()

    def stop(self) -> None:
        """Stop all, stage by stage: SIGTERM, after the grace time SIGKILL. Nothing of them is left after."""
        self._stopping.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for stage in sorted({child.program.stage for child in self._children.values()}):
            self._stop_together([one for one in self._children.values() if one.program.stage == stage])
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            self._watchdog.wait()
            self._watchdog = None

    def hurry(self) -> None:
        """End the grace times of a running `stop` (a second Ctrl-C). Safe in a signal handler."""
        self._hurry.set()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill a program with all of its own children, as a crash would. It is started again soon."""
        with self._lock:
            process = self._children[name].process
            if process is None:
                raise DeployError(f"{name} does not run at the moment.")
            signal_group(process.pid, number)

    def pid(self, name: str) -> int | None:
        """Process id of a program; None while it is down."""
        process = self._children[name].process
        return process.pid if process is not None and process.poll() is None else None

    def wait_ready(self, name: str, seconds: float) -> bool:
        """Wait until the program said that it is ready (since its last start); False after `seconds`."""
        return self._children[name].ready.wait(seconds)

    def tail(self, name: str, lines: int = 20) -> str:
        """The last lines that a program wrote."""
        return "\n".join(list(self._children[name].lines)[-lines:])

    def failures(self, name: str) -> int:
        """How often the program died since it last ran for a minute."""
        return self._children[name].failures

    def _launch(self, child: Child) -> None:
        child.ready.clear()
        child.restart_at = None
        child.started = time.monotonic()
        child.process = process = subprocess.Popen(
            child.program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._directory,
            env=self._environment,
            start_new_session=True,
        )
        self._tell_watchdog(f"+{process.pid}")
        child.reader = threading.Thread(target=self._read, args=(child, process), daemon=True)
        child.reader.start()

    def _read(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        """Copy the output of a process until the last one that holds its pipe is gone."""
        log = self._logs / f"{child.program.name}.log"
        keep_small(log)
        ready = re.compile(child.program.ready) if child.program.ready else None
        with log.open("ab") as file, process.stdout as output:  # type: ignore[union-attr] # it is a pipe
            for raw in output:
                file.write(raw)
                file.flush()
                line = raw.decode("utf-8", errors="replace").rstrip()
                child.lines.append(line)
                if ready is not None and ready.search(line):
                    child.ready.set()
                self._echo(child.program.name, line)

    def _keep(self) -> None:
        """Until `stop`: look after the children five times a second."""
        while not self._stopping.wait(0.2):
            with self._lock:
                for child in self._children.values():
                    self._look_after(child)

    def _look_after(self, child: Child) -> None:
        if child.restart_at is not None:
            if time.monotonic() >= child.restart_at:
                self._report(f"{child.program.name} : redémarré")
                self._launch(child)
            return
        process = child.process
        if process is None or process.poll() is None:
            return
        self._bury(child)
        if time.monotonic() - child.started > HEALTHY_SECONDS:
            child.failures = 0
        delay = self._delays[min(child.failures, len(self._delays) - 1)]
        child.failures += 1
        child.restart_at = time.monotonic() + delay
        status = process.returncode
        how = f"signal {-status}" if status < 0 else f"code {status}"
        self._report(
            f"{child.program.name} s'est arrêté tout seul ({how}), redémarrage dans {delay:g} s. "
            f"Ses dernières lignes ({self._logs / child.program.name}.log) :\n{self.tail(child.program.name)}"
        )

    def _stop_together(self, children: Sequence[Child]) -> None:
        living = [child for child in children if child.process is not None]
        for child in living:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        started = time.monotonic()
        for child in living:
            process, grace = child.process, child.program.grace
            if process is not None:
                left = started + grace - time.monotonic()
                wait_until(lambda p=process: p.poll() is not None or self._hurry.is_set(), left)  # type: ignore[misc]
            self._bury(child)

    def _bury(self, child: Child) -> None:
        """Kill whatever is left of a child's group, and forget it."""
        process = child.process
        if process is None:
            return
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not group_exists(process.pid), 5)
        if child.reader is not None:
            child.reader.join(2)
        self._tell_watchdog(f"-{process.pid}")
        child.process = None

    def _tell_watchdog(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.write(f"{line}\n")
            self._watchdog.stdin.flush()
