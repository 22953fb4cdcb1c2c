"""The `.env` that `make run` makes once."""

import stat
from pathlib import Path

from deploy.environment_file import ensure


def test_the_first_run_makes_a_private_file_with_a_long_key(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert ensure(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    assert len(settings["SECRET_KEY"]) >= 50
    assert settings["DEBUG"] == "true"


def test_a_file_that_is_there_is_never_written_again(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")
    assert not ensure(path, {})
    assert path.read_text() == "SECRET_KEY=mine\n"


def test_no_file_is_made_when_the_environment_has_a_key(tmp_path: Path) -> None:
    assert not ensure(tmp_path / ".env", {"SECRET_KEY": "given"})
    assert not ensure(tmp_path / ".env", {"SECRET_KEY_FILE": "/run/secrets/key"})
    assert not (tmp_path / ".env").exists()
