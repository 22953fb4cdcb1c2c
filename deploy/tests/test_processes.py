"""Ports, waiting, logs."""

import socket
from pathlib import Path

import pytest

from deploy import install
from deploy.processes import DeployError, free_port, keep_small, tail


def test_a_busy_port_gives_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        wanted = busy.getsockname()[1]
        got = free_port(wanted)
        assert wanted < got < wanted + 100
        assert free_port(wanted, avoid=frozenset({got})) > got


def test_no_free_port_at_all_is_said() -> None:
    every = frozenset(range(9000, 9100))
    with pytest.raises(DeployError, match="from 9000 on"):
        free_port(9000, avoid=every)


def test_tail_reads_the_end_only(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert tail(log, 2) == "line 99998\nline 99999"
    assert "no log" in tail(tmp_path / "none.log")


def test_a_big_log_is_set_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("0123456789")
    keep_small(log, limit=10)
    assert log.exists()
    keep_small(log, limit=9)
    assert not log.exists()
    assert (tmp_path / "x.log.1").read_text() == "0123456789"


def test_pip_shows_what_it_is_at(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(install, "HEARTBEAT_SECONDS", 0.05)
    progress = install.Progress()
    progress.take("Collecting torch==2.13.0")
    progress.take("Downloading https://host/a/torch-2.13.0-cp311.whl (900.1 MB)")
    progress._done.wait(0.2)
    progress.end()
    assert "1 packages so far: downloading torch-2.13.0-cp311.whl (900.1 MB)" in capsys.readouterr().out
