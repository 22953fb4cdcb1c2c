"""Both servers, each with a database of its own in the same PostgreSQL and two worker processes."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from benchmarks.ingest.cases import Side
from deploy.embedded import REPOSITORY
from deploy.processes import free_port, tied_to_parent, wait_until
from deploy.stack import status_of, web

WORKERS = 2
THREADS = 2
"""Of each of our workers, as in docker-compose.yml."""


def database(name: str) -> str:
    """An empty database beside that of DATABASE_URL; its URL."""
    given = urlsplit(os.environ["DATABASE_URL"])
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return urlunsplit(given._replace(path=f"/{name}"))


def python(environment: dict[str, str], *arguments: str) -> str:
    """Run Python in the repository; what it wrote to standard output."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    """A server for as long as the block lasts; its process id."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=tied_to_parent(signal.SIGTERM),
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


def ours(stack: ExitStack, folder: Path, rows: int) -> Side:
    """The product's web processes as docker-compose.yml runs them, with production settings."""
    environment = {**os.environ} | {
        "DATABASE_URL": database("bench_ours"),
        "MEDIA_ROOT": str(folder / "ours"),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
        "BEHIND_PROXY": "true",
        "LOG_LEVEL": "WARNING",
        # A connection that ends in a run takes what it has used of the processor with it.
        "DB_CONN_MAX_AGE": "86400",
    }
    python(environment, "manage.py", "migrate", "-v0")
    told = json.loads(python(environment, "-m", "benchmarks.ingest.seed", "ours", str(rows)))
    port = free_port()
    pid = stack.enter_context(
        running(web(port, workers=WORKERS, threads=THREADS), environment, folder / "ours.log")
    )
    headers = {"X-API-Key": told["key"], "X-Forwarded-Proto": "https"}
    side = Side("ours", port, headers, told["cameras"], pid, environment["DATABASE_URL"])
    return _ready(side, "/liveness", folder)


def peer(stack: ExitStack, folder: Path, rows: int) -> Side:
    """The peer under uvicorn."""
    uploads = folder / "peer"
    uploads.mkdir()
    url = database("bench_peer")
    theirs = url.replace("postgres://", "postgresql+asyncpg://", 1)
    environment = {**os.environ, "PEER_DATABASE_URL": theirs, "UPLOAD_DIR": str(uploads)}
    told = json.loads(python(environment, "-m", "benchmarks.ingest.seed", "peer", str(rows)))
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.ingest.peer:app", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--log-level", "warning"]
    pid = stack.enter_context(running(command, environment, folder / "peer.log"))
    return _ready(Side("peer", port, {}, told["cameras"], pid, url), "/openapi.json", folder)


def _ready(side: Side, path: str, folder: Path) -> Side:
    if not wait_until(lambda: status_of(f"http://127.0.0.1:{side.port}{path}") == 200, 60, step=0.2):
        raise SystemExit(f"{side.name} did not start:\n{(folder / f'{side.name}.log').read_text()[-3000:]}")
    return side


@contextmanager
def both(rows: int) -> Iterator[tuple[Side, Side]]:
    """Ours and the peer, ready, with `rows` passages each."""
    with tempfile.TemporaryDirectory(prefix="anpr-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        yield ours(stack, folder, rows), peer(stack, folder, rows)


def versions() -> dict[str, Any]:
    """What was measured with."""
    from importlib.metadata import version

    names = ("Django", "djangorestframework", "granian", "psycopg2-binary", "orjson")
    theirs = ("fastapi", "sqlmodel", "asyncpg", "uvicorn", "uvloop", "httptools")
    return {name: version(name) for name in (*names, *theirs)}
