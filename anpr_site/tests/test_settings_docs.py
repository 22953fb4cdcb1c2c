"""docs/operations/settings.md and settings.py name the same variables."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    code = (ROOT / "anpr_site" / "settings.py").read_text()
    used = set(re.findall(r'(?:env\.\w+|required)\(\s*"([A-Z_]+)"', code))
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/operations/settings.md").read_text(), re.M))
    assert used == documented


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own, with this environment and no `.env`."""
    code = "import anpr_site.environment as e; e.load_dotenv = lambda path: None; import anpr_site.settings"
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=keep | environment,
        check=False,
    )


GOOD = {"SECRET_KEY": "k" * 50, "DATABASE_URL": "postgres://a@/a", "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_secret_stops_the_process_and_says_what_to_do(name: str) -> None:
    done = start(**{key: value for key, value in GOOD.items() if key != name})
    assert done.returncode != 0
    assert f"{name} is not set." in done.stderr
    assert f"{name}_FILE" in done.stderr


def test_good_settings_load_and_secrets_may_come_from_files(tmp_path: Path) -> None:
    assert start(**GOOD).returncode == 0
    secret = tmp_path / "key"
    secret.write_text("k" * 60)
    done = start(**{**GOOD, "SECRET_KEY": "", "SECRET_KEY_FILE": str(secret)})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
        ({"DATABASE_URL": "sqlite:///x"}, "PostgreSQL"),
        ({"ENCRYPTION_KEYS": f"{'k' * 32},short"}, "ENCRYPTION_KEYS"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN"),
    ],
)
def test_impossible_values_are_refused(changes: dict[str, str], words: str) -> None:
    done = start(**(GOOD | changes))
    assert done.returncode != 0
    assert words in done.stderr
