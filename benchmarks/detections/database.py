"""A database of its own beside the given one, with the product's tables."""

import os
from urllib.parse import urlsplit, urlunsplit

import psycopg2

NAME = "anpr_benchmark"


def prepare(*, mark: str) -> bool:
    """Point DATABASE_URL at the benchmark's database, made anew unless it carries `mark`; True when made."""
    given = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(given)._replace(path=f"/{NAME}"))
    with _server(given) as server:
        server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [NAME]
        )
        found = server.fetchone()
        if found and found[0] == mark:
            return False
        server.execute(f"DROP DATABASE IF EXISTS {NAME}")
        server.execute(f"CREATE DATABASE {NAME}")
    return True


def finished(given: str, mark: str) -> None:
    """Note that the database is whole, so that `--keep` finds it again."""
    with _server(given) as server:
        server.execute(f"COMMENT ON DATABASE {NAME} IS %s", [mark])


def drop(given: str) -> None:
    """Take it away."""
    with _server(given) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


class _server:  # noqa: N801 (used as a function)
    """A cursor on the given database, outside transactions."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def __enter__(self) -> "psycopg2.extensions.cursor":
        return self.connection.cursor()

    def __exit__(self, *_: object) -> None:
        self.connection.close()
