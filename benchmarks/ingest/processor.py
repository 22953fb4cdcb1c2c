"""Processor time of a side: its server processes, and the PostgreSQL processes that serve its database.

On a machine with other work to do this says more than the clock: that work does not count.
"""

import os
from pathlib import Path

import psutil
import psycopg2

TICK = os.sysconf("SC_CLK_TCK")


def seconds_of(server: int, database_url: str) -> float:
    """User and system time so far of process `server`, those it started, and its database's backends."""
    family = psutil.Process(server)
    pids = {server, *(child.pid for child in family.children(recursive=True))}
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        pids |= {row[0] for row in cursor.fetchall()}
    connection.close()
    return sum(_ticks(pid) for pid in pids) / TICK


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[11]) + int(fields[12])
