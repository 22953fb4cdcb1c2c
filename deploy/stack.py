"""The whole product as processes on this machine: servers, web, WebSocket, workers, beat.

`make run` is this with a person in front of it (`deploy.local`). Tests and scripts that drive a browser take

    with Stack.throwaway() as stack:
        print(stack.url, stack.demo)
        stack.kill("recognition"); stack.servers.kill_redis(); stack.servers.start_redis()
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from deploy.embedded import REPOSITORY, Servers
from deploy.processes import DeployError, free_port, tied_to_parent, wait_until
from deploy.supervisor import Program, Supervisor

BIN = Path(sys.executable).parent
GRANIAN = str(BIN / "granian")
LOCAL = ("--host", "127.0.0.1")
WORKERS = ("default", "recognition")
# What a worker logs when it listens to its queues.
WORKER_READY = r"(default|recognition)@\S+ ready\."
SERVER_SETTINGS = ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE")


class CommandFailedError(DeployError):
    """A step ended with an error; `output` is what it wrote."""

    def __init__(self, command: list[str], status: int, output: str) -> None:
        """`status`: its exit status."""
        super().__init__(f"{' '.join(command)} ended with status {status}")
        self.output = output


class Stack:
    """Servers and processes on free ports. Start it from the main thread (see Servers)."""

    def __init__(
        self,
        var: Path,
        *,
        environ: Mapping[str, str] | None = None,
        for_tests: bool = False,
        port: int = 0,
        websocket_port: int = 0,
        say: Callable[[str], None] = print,
        echo: Callable[[str, str], None] | None = None,
    ) -> None:
        """`port` 0: any free one; otherwise that or the next free one. `echo` gets each line of a child."""
        base = dict(os.environ if environ is None else environ)
        self.var = var.absolute()
        self.servers = Servers(self.var, for_tests=for_tests, environ=base, say=say)
        self.port = free_port(port)
        self.websocket_port = free_port(websocket_port, avoid=frozenset({self.port}))
        self.demo = ""
        self._base = base
        self._say = say
        self._echo = echo or (lambda _name, _line: None)
        self.left_out: frozenset[str] = frozenset()
        """Programs that are not to be started (a test that reads no photo needs no recognition)."""
        self._supervisor: Supervisor | None = None
        self._temporary = False

    @classmethod
    def throwaway(cls, **settings: str) -> Self:
        """A stack with servers, media and logs of its own, whatever the environment says.

        All of it lies in a new temporary directory and goes when the stack stops. `settings` are more
        environment variables for the product.
        """
        var = Path(tempfile.mkdtemp(prefix="anpr-stack-"))
        var.chmod(0o755)  # PostgreSQL's user must get to its cluster
        environ = {name: value for name, value in os.environ.items() if name not in SERVER_SETTINGS}
        environ |= {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DEBUG": "true",
            "MEDIA_ROOT": str(var / "media"),
        }
        stack = cls(var, environ=environ | settings, for_tests=True)
        stack._temporary = True
        return stack

    def __enter__(self) -> Self:
        """Start everything, with demo data."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()

    @property
    def url(self) -> str:
        """The address of the web pages, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the product's processes; the servers must run."""
        level = self._base.get("LOG_LEVEL", "INFO").upper()
        return {
            **self._base,
            **self.servers.urls,
            # The logs and the sign that a worker is ready need INFO; the terminal is filtered after.
            "LOG_LEVEL": level if level in ("DEBUG", "INFO") else "INFO",
            "WEBSOCKET_PORT": str(self.websocket_port),
            "PYTHONUNBUFFERED": "1",
            "YOLO_AUTOINSTALL": "false",
        }

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the processes running; raises DeployError before they were started."""
        if self._supervisor is None:
            raise DeployError("The processes were not started yet.")
        return self._supervisor

    def start(self, *, demo: bool = True, seconds: float = 120) -> None:
        """All steps in order; on failure all is stopped again and a DeployError says why."""
        try:
            self.servers.start()
            self.manage("migrate", "--noinput")
            if demo:
                self.demo = self.manage("demo")
            self.start_processes()
            self.wait_ready(seconds)
        except BaseException:  # Ctrl-C too must leave nothing behind
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the processes in order, then the servers."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
        self.servers.stop()
        if self._temporary:
            shutil.rmtree(self.var, ignore_errors=True)

    def hurry(self) -> None:
        """Do not wait any longer for processes to end by themselves. Safe in a signal handler."""
        if self._supervisor is not None:
            self._supervisor.hurry()

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it wrote; CommandFailedError when it fails."""
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> str:
        """Run Python in the repository with the product's environment, return stdout."""
        command = [sys.executable, *arguments]
        result = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=tied_to_parent(signal.SIGTERM),
        )
        if result.returncode:
            raise CommandFailedError(command, result.returncode, f"{result.stdout}\n{result.stderr}".strip())
        return result.stdout

    def start_processes(self) -> None:
        """Start web, WebSocket, workers and beat, and keep them running."""
        self._supervisor = Supervisor(
            [one for one in programs(self.port, self.websocket_port) if one.name not in self.left_out],
            environment=self.environment,
            directory=REPOSITORY,
            logs=self.servers.var / "log",
            echo=self._echo,
            report=self._say,
        )
        self._supervisor.start()

    def wait_ready(self, seconds: float = 120) -> None:
        """Wait until pages answer and both workers listen; DeployError names who does not, and its log."""
        self.wait_web(seconds)
        self.wait_workers(seconds)

    def wait_web(self, seconds: float) -> None:
        """Wait until /ready answers 200 and the WebSocket port takes connections."""
        if not wait_until(lambda: status_of(f"{self.url}/ready") == 200, seconds, step=0.2):
            raise DeployError(self._complaint("web", f"{self.url}/ready did not answer 200", seconds))
        address = f"http://127.0.0.1:{self.websocket_port}/"
        if not wait_until(lambda: status_of(address) is not None, seconds, step=0.2):
            raise DeployError(self._complaint("websocket", f"{address} did not answer", seconds))

    def wait_workers(self, seconds: float) -> None:
        """Wait until the Celery workers listen to their queues."""
        deadline = time.monotonic() + seconds
        for name in (one for one in WORKERS if one not in self.left_out):
            if not self.supervisor.wait_ready(name, max(0.0, deadline - time.monotonic())):
                raise DeployError(self._complaint(name, f"worker {name} was not ready", seconds))

    def kill(self, name: str) -> None:
        """kill -9 a program (web, websocket, default, recognition, beat); the supervisor starts it again."""
        self.supervisor.kill(name)

    def _complaint(self, name: str, what: str, seconds: float) -> str:
        return f"{what} within {seconds:g} s. Its last lines:\n{self.supervisor.tail(name)}"


def web(port: int, *, workers: int, threads: int) -> list[str]:
    """The command of the web process; `threads` for each worker."""
    command = [GRANIAN, "--interface", "wsgi", "--no-ws", "anpr_site.wsgi:application", *LOCAL]
    return [*command, "--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)]


def programs(port: int, websocket_port: int) -> list[Program]:
    """The processes of the product; beat stops first (no new tasks), workers last (they end what they do)."""
    celery = [str(BIN / "celery"), "-A", "anpr_site"]
    # asginl: ASGI without lifespan events, which Channels doesn't know.
    socket = [GRANIAN, "--interface", "asginl", "--ws", "anpr_site.asgi:application", *LOCAL]
    worker = [*celery, "worker", "--loglevel", "INFO"]
    default = [*worker, "-Q", "default,nightly", "-c", "2", "-n", "default@%h"]
    # Below the pages: reading plates takes all the processor it can get.
    reading = ["nice", "-n", "5", *worker, "-Q", "recognition", "--pool", "threads", "-c", "4"]
    return [
        Program("beat", [*celery, "beat", "--loglevel", "INFO", "--pidfile="], stage=0, grace=5),
        Program("web", web(port, workers=1, threads=4), stage=1, grace=5),
        Program("websocket", [*socket, "--workers", "1", "--port", str(websocket_port)], stage=1, grace=5),
        Program("default", default, stage=2, ready=WORKER_READY),
        # It stores the passages in hand first, and unloads its networks last.
        Program("recognition", [*reading, "-n", "recognition@%h"], stage=2, grace=20, ready=WORKER_READY),
    ]


def status_of(url: str) -> int | None:
    """HTTP status that a local address answers with; None when nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
