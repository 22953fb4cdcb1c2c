"""Reads the environment for `settings.py`: `.env`, secrets in files, clear refusals."""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.FileAwareEnv()
"""Reads NAME, or the file that NAME_FILE points to (Docker and systemd secrets)."""


def load_dotenv(path: Path) -> None:
    """Read `path` (KEY=value lines) where it exists; what the environment already holds wins."""
    if path.is_file():
        env.read_env(str(path))


def required(name: str, hint: str) -> str:
    """The value of `name` or of the file `name_FILE`.

    Raises ImproperlyConfigured, with `hint`, when it is missing or empty.
    """
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. {hint} Set it in the environment, in .env, or put it in a file "
            f"and set {name}_FILE to its path. `make run` does all of this for a trial."
        )
    return value
