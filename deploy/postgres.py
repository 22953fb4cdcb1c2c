"""A PostgreSQL of the project's own: found, initialised, started, stopped, brought back after a crash.

It listens on a Unix socket only, in a directory that none but its own user (and root) may enter, and trusts
whoever gets there. PostgreSQL refuses to run as root: there it runs as `postgres`, else as `nobody`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from deploy.postgres_installation import Credentials, Installation, choose, reachable_by, server_owner
from deploy.processes import DeployError, exists, keep_small, tail, tied_to_parent, wait_until, working_in

STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}
# sun_path holds 108 bytes; ".s.PGSQL.5432.lock" and a margin come on top of the directory.
LONGEST_SOCKET_DIRECTORY = 80
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
# Several times faster, and a crash of the *machine* may lose the cluster: fine for tests only. Commits stay
# synchronous, so that they survive kill -9 of the server as in production; without fsync that costs little.
SETTINGS_FOR_TESTS = {
    "shared_buffers": "128MB",
    "fsync": "off",
    "full_page_writes": "off",
}
PREPARE = """
SELECT 'CREATE ROLE anpr LOGIN CREATEDB'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'anpr') \\gexec
SELECT 'CREATE DATABASE anpr OWNER anpr'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'anpr') \\gexec
\\connect anpr
SET client_min_messages = warning;
SELECT 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements'
  FROM pg_available_extensions WHERE name = 'pg_stat_statements' \\gexec
"""


class Cluster:
    """One data directory and its server process."""

    def __init__(self, home: Path, *, log: Path, for_tests: bool, say: Callable[[str], None]) -> None:
        """Keep the data in `home`/postgres, or say where else if the server's user can't enter `home`."""
        self.log = log
        self.for_tests = for_tests
        self._say = say
        self._owner = server_owner()
        self.home = self._enterable(home)
        self.data = self.home / "postgres"
        self._socket_directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._installation: Installation | None = None

    @property
    def installation(self) -> Installation:
        """Which PostgreSQL runs here; known from the first `start` on."""
        if self._installation is None:
            raise DeployError("PostgreSQL was not started yet.")
        return self._installation

    @property
    def database_url(self) -> str:
        """The URL of database `anpr`: libpq, psycopg2 and django-environ all read this form."""
        if self._socket_directory is None:
            raise DeployError("PostgreSQL was not started yet.")
        return f"postgres://anpr@/anpr?host={quote(str(self._socket_directory), safe='')}"

    @property
    def pid(self) -> int:
        """Process id of the running server (the postmaster)."""
        if self._process is None:
            raise DeployError("PostgreSQL is not running.")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until role and database `anpr` exist.

        The first start creates the cluster (2 s). Raises DeployError with the end of the log otherwise.
        """
        self._installation = reachable_by(self._owner, choose(self.data), self.home)
        self._discard_unfinished()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._clear_leftovers()
        self._make_socket_directory()
        self._launch()
        self._psql(PREPARE)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: "fast" (clean), "immediate" (as a crash, recovers on start) or "kill" (-9)."""
        if self._process is None:
            return
        for number, seconds in ((STOP_SIGNALS[mode], 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process = None
        # Its backends notice by themselves; a data directory is free only when the last one is gone.
        wait_until(lambda: not working_in(self.data), 10)

    def close(self) -> None:
        """Stop the server and remove what only a running server needs."""
        self.stop()
        if self._socket_directory is not None and self._socket_directory.parent != self.home:
            shutil.rmtree(self._socket_directory, ignore_errors=True)
        self._socket_directory = None

    def _enterable(self, home: Path) -> Path:
        """`home`, or, when the server's user can't get in there, a directory of its own under /var/tmp."""
        home.mkdir(parents=True, exist_ok=True)
        home = home.resolve()
        if self._owner is None or self._owner.can_enter(home):
            return home
        place = self._owner.private_directory(home)
        self._say(
            f"PostgreSQL : l'utilisateur {self._owner.name} n'a pas accès à {home}, données dans {place}"
        )
        return place

    def _initialise(self) -> None:
        """Run initdb under a temporary name: one that was interrupted is never taken for whole."""
        self._say(f"PostgreSQL {self.installation.major} : création de la base dans {self.data}")
        fresh = self.data.with_name(f"{self.data.name}.new-{os.getpid()}")
        fresh.mkdir(mode=0o700)
        self._own(fresh)
        command = [
            *[str(self.installation.bin / "initdb"), "--pgdata", str(fresh), "--username", "postgres"],
            *["--encoding", "UTF8", "--auth", "trust", "--no-instructions"],
            *(["--no-sync"] if self.for_tests else []),
        ]
        result = self._run_as_owner([*command, "--locale", "C.UTF-8"])
        if result.returncode and "locale" in result.stdout:
            result = self._run_as_owner([*command, "--locale", "C"])
        if result.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise DeployError(f"initdb failed in {fresh}:\n{result.stdout[-2000:]}")
        fresh.rename(self.data)

    def _discard_unfinished(self) -> None:
        for leftover in self.data.parent.glob(f"{self.data.name}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if self.data.exists() and not (self.data / "PG_VERSION").exists():
            if any(self.data.iterdir()):
                raise DeployError(f"{self.data} is no PostgreSQL cluster: move it away.")
            self.data.rmdir()

    def _clear_leftovers(self) -> None:
        """End a server that a killed run left in our data directory; forget the pid file of a dead one.

        Safe because the caller holds the lock of this directory: nobody else's server can be meant.
        """
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            left = working_in(self.data)
            if not left:
                break
            self._say(f"PostgreSQL : arrêt d'un serveur resté d'un lancement précédent (processus {left[0]})")
            for pid in left:
                if exists(pid):
                    os.kill(pid, number)
            wait_until(lambda: not working_in(self.data), 10)
        # The id in it may belong to any other process by now, and PostgreSQL would then refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_socket_directory(self) -> None:
        if self._socket_directory is None:
            place = self.home / "postgres-socket"
            odd = set(str(place)) & set(",'\"\\ \t\n")
            if len(os.fsencode(place)) > LONGEST_SOCKET_DIRECTORY or odd:
                place = Path(tempfile.mkdtemp(prefix="anpr-"))
            self._socket_directory = place
        self._socket_directory.mkdir(mode=0o700, exist_ok=True)
        self._own(self._socket_directory)
        for stale in self._socket_directory.glob(".s.PGSQL.*"):
            stale.unlink()

    def _launch(self) -> None:
        settings = SETTINGS | (SETTINGS_FOR_TESTS if self.for_tests else {})
        if self.installation.has_library("pg_stat_statements"):
            settings["shared_preload_libraries"] = "pg_stat_statements"
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.installation.bin / "postgres"), "-D", str(self.data), *arguments]
        command += ["-c", f"unix_socket_directories={self._socket_directory}"]
        keep_small(self.log)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data.parent,
                env=self._environment(),
                start_new_session=True,
                preexec_fn=tied_to_parent(signal.SIGINT),
                **self._credentials(),
            )
        process = self._process
        ready = wait_until(lambda: process.poll() is not None or self._accepts(process.pid), 60)
        if not ready or process.poll() is not None:
            self.stop("kill")
            raise DeployError(f"PostgreSQL did not start. The end of {self.log}:\n{tail(self.log)}")

    def _accepts(self, pid: int) -> bool:
        """Whether the server says in its pid file that it takes connections (what `pg_ctl -w` looks at)."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _psql(self, script: str) -> None:
        """Run a psql script as the cluster's superuser."""
        command = [str(self.installation.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", str(self._socket_directory), "-U", "postgres", "-d", "postgres"]
        deadline = time.monotonic() + 30
        while True:
            result = self._run_as_owner(command, given=script)
            if result.returncode == 0:
                return
            # 2: no connection. Just after a crash it may still be "starting up".
            if result.returncode != 2 or time.monotonic() > deadline:
                raise DeployError(f"PostgreSQL runs, but could not be prepared:\n{result.stdout[-2000:]}")
            time.sleep(0.2)

    def _run_as_owner(self, command: Sequence[str], *, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a PostgreSQL program as the server's user; what it says on either stream is in `stdout`."""
        return subprocess.run(
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.home,
            env=self._environment(),
            timeout=120,
            **self._credentials(),
        )

    def _environment(self) -> dict[str, str]:
        """Little: none of our secrets, and no PG* variable that would lead the programs elsewhere."""
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": str(self.home), "TZ": "UTC"}

    def _credentials(self) -> Credentials:
        return self._owner.credentials() if self._owner else Credentials()

    def _own(self, path: Path) -> None:
        if self._owner is not None:
            os.chown(path, self._owner.uid, self._owner.gid)
