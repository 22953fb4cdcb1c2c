"""PostgreSQL and Redis for development and tests: given ones, or our own from the project's folder.

    python -m deploy.embedded run [--tests] [--var DIRECTORY] -- COMMAND...

runs a command with DATABASE_URL and REDIS_URL in its environment. Beside a running `make run` it uses the
servers of that one (so `... run -- python manage.py shell` just works); otherwise it starts some, and stops
them when the command ends. `--tests` always uses servers of its own: fast, unsafe on power loss, under
var/test, var/test-2 ... (the first that no other test run holds).
"""

import argparse
import fcntl
import json
import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Self
from urllib.parse import parse_qs, unquote, urlsplit

from deploy import redis_server
from deploy.postgres import Cluster
from deploy.processes import DeployError, tied_to_parent
from deploy.redis_server import RedisServer

REPOSITORY = Path(__file__).resolve().parent.parent
VAR = REPOSITORY / "var"
MOST_TEST_RUNS = 9


class ServersBusyError(DeployError):
    """Another process holds this directory and runs its servers."""


class Servers:
    """PostgreSQL and Redis for one run. Start it from the main thread: the servers die with that thread.

    `var` is where data, logs and the lock go. A URL in `environ` (DATABASE_URL, REDIS_URL, or the name of a
    file in DATABASE_URL_FILE, REDIS_URL_FILE) is used as it is, and nothing is started for it.
    """

    def __init__(
        self,
        var: Path = VAR,
        *,
        for_tests: bool = False,
        environ: Mapping[str, str] | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        """Nothing is started yet. `say` gets a line for each thing worth knowing."""
        environ = os.environ if environ is None else environ
        self.var = var.absolute()
        self.for_tests = for_tests
        self.given_database = given(environ, "DATABASE_URL")
        self.given_redis = given(environ, "REDIS_URL")
        self.postgres: Cluster | None = None
        self.redis: RedisServer | None = None
        self._say = say
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def database_url(self) -> str:
        """What to connect to, given or our own."""
        return self.given_database or self._own_postgres().database_url

    @property
    def redis_url(self) -> str:
        """What to connect to, given or our own."""
        return self.given_redis or self._own_redis().redis_url

    @property
    def urls(self) -> dict[str, str]:
        """Both, as environment variables."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def start(self) -> None:
        """Check the given servers, start the others. On failure whatever was started is stopped again.

        Raises DeployError with what to do; ServersBusyError when another run holds `var`.
        """
        self._take_lock()
        try:
            self._start_locked()
        except BaseException:  # Ctrl-C during the start must not leave a server behind either
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what `start` started (clean shutdown)."""
        (self.var / "servers.json").unlink(missing_ok=True)
        if self.redis is not None:
            self.redis.close()
        if self.postgres is not None:
            self.postgres.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def stop_redis(self, *, keep_data: bool = False) -> None:
        """End our Redis in good order. `start_redis` brings it back on the same port."""
        self._own_redis().stop(keep_data=keep_data)

    def kill_redis(self, *, keep_data: bool = False) -> None:
        """End our Redis by kill -9, its data lost unless `keep_data`."""
        self._own_redis().kill(keep_data=keep_data)

    def start_redis(self) -> None:
        """Bring our Redis back: same port, same password."""
        self._own_redis().start()

    def stop_postgres(self, mode: str = "fast") -> None:
        """End our PostgreSQL: "fast" (clean), "immediate" (like a crash) or "kill" (-9)."""
        self._own_postgres().stop(mode)

    def start_postgres(self) -> None:
        """Bring our PostgreSQL back: same URL, committed data all there."""
        self._own_postgres().start()

    def _start_locked(self) -> None:
        logs = self.var / "log"
        logs.mkdir(parents=True, exist_ok=True)
        if self.given_database:
            check_given_database(self.given_database)
        else:
            self.postgres = Cluster(
                self.var, log=logs / "postgresql.log", for_tests=self.for_tests, say=self._say
            )
            self.postgres.start()
        if self.given_redis:
            redis_server.check_given(self.given_redis)
        else:
            self.redis = RedisServer(self.var / "redis", log=logs / "redis.log")
            self.redis.start()
        note = self.var / "servers.json"
        note.unlink(missing_ok=True)
        with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self.urls, file)

    def _take_lock(self) -> None:
        """Hold `var` (a test run: the first free sibling of it) until the process ends, however it ends."""
        for candidate in self._candidates():
            candidate.mkdir(parents=True, exist_ok=True)
            lock = (candidate / "servers.lock").open("a+", encoding="ascii")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self._lock, self.var = lock, candidate
            return
        holder = (self.var / "servers.lock").read_text(encoding="ascii")
        raise ServersBusyError(f"{self.var} is in use by process {holder}: stop that run first.")

    def _candidates(self) -> Iterator[Path]:
        yield self.var
        if self.for_tests:
            for number in range(2, MOST_TEST_RUNS + 1):
                yield self.var.with_name(f"{self.var.name}-{number}")

    def _own_postgres(self) -> Cluster:
        if self.postgres is None:
            raise DeployError("PostgreSQL is not ours: it was given by DATABASE_URL, or nothing was started.")
        return self.postgres

    def _own_redis(self) -> RedisServer:
        if self.redis is None:
            raise DeployError("Redis is not ours: it was given by REDIS_URL, or nothing was started.")
        return self.redis


def given(environ: Mapping[str, str], name: str) -> str:
    """The setting `name`, from the variable or from the file that NAME_FILE names; empty when not set."""
    value = environ.get(name, "")
    file = environ.get(f"{name}_FILE", "")
    if value or not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise DeployError(f"{name}_FILE names a file that can't be read: {error}") from error


def check_given_database(url: str) -> None:
    """Raise a DeployError when no PostgreSQL answers at `url` (whether it lets us in shows later)."""
    parts = urlsplit(url)
    host = unquote(parts.hostname or "") or parse_qs(parts.query).get("host", [""])[0]
    if parts.path.startswith("//"):  # django-environ's other form of a socket directory
        host = unquote(parts.path[1:]).rpartition("/")[0]
    host = host or "/var/run/postgresql"
    port = parts.port or 5432
    try:
        if host.startswith("/"):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(5)
            connection.connect(f"{host}/.s.PGSQL.{port}")
        else:
            connection = socket.create_connection((host, port), timeout=5)
        with connection:
            # "Do you speak TLS?", which any PostgreSQL answers with one letter before it asks who we are.
            connection.sendall(struct.pack("!ii", 8, 80877103))
            answer = connection.recv(1)
    except OSError as error:
        raise DeployError(
            f"DATABASE_URL is set, but no server answers at {host}, port {port} ({error}). Start it, correct "
            "the address, or unset DATABASE_URL to use the embedded one."
        ) from error
    if answer not in (b"S", b"N", b"E"):
        raise DeployError(f"DATABASE_URL is set, but what answers at {host}, port {port} is not PostgreSQL.")


def run_command(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a command in the foreground and return its exit status (128 + n when signal n ended it).

    Ctrl-C reaches the command by itself; SIGTERM is handed on. Either way we wait, to stop the servers after.
    """
    try:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, preexec_fn=tied_to_parent(signal.SIGTERM)
        )
    except FileNotFoundError as error:
        raise DeployError(f"No such command: {command[0]}") from error
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    status = process.wait()
    return 128 - status if status < 0 else status


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run a command with DATABASE_URL and REDIS_URL set")
    run.add_argument("--tests", action="store_true", help="servers for tests: of their own, fast")
    run.add_argument("--var", type=Path, help="where data and logs go (default: var, var/test)")
    run.add_argument("command", nargs="+", metavar="COMMAND")
    options = parser.parse_args(arguments)
    var = options.var or (VAR / "test" if options.tests else VAR)
    servers = Servers(var, for_tests=options.tests, say=lambda line: print(line, file=sys.stderr))
    # Until the command runs, SIGTERM must unwind as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    extra = {"SECRET_KEY": secrets.token_urlsafe(50), "DEBUG": "true"} if options.tests else {}
    extra = {name: value for name, value in extra.items() if name not in os.environ}
    try:
        with servers:
            return run_command(options.command, extra | servers.urls)
    except ServersBusyError as error:
        note = servers.var / "servers.json"
        if not note.exists():
            print(error, file=sys.stderr)
            return 1
        return run_command(options.command, extra | json.loads(note.read_text(encoding="utf-8")))
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
