"""`make check`: every check that is not a test, one line each; fails at the end if any of them failed.

Needs DATABASE_URL (run it under `deploy.embedded`). Names given as arguments run only these checks.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded import REPOSITORY

BIN = Path(sys.executable).parent
MANAGE = (sys.executable, "manage.py")
# As in production, where DEBUG is unset and a proxy ends TLS.
PRODUCTION = {
    "DEBUG": "false",
    "ALLOWED_HOSTS": "anpr.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://anpr.example.org",
    "SECRET_KEY": secrets.token_urlsafe(50),
}


@dataclass(frozen=True)
class Check:
    """A command that succeeds when all is well."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def own_apps() -> list[str]:
    """The apps of this project that have migrations."""
    return sorted(path.parent.parent.name for path in REPOSITORY.glob("*/migrations/__init__.py"))


def checks() -> list[Check]:
    """All checks, the quick ones first."""
    djlint = str(BIN / "djlint")
    # First migrations make new tables, which no running version uses: nothing in them can be unsafe.
    # From varchar to text (0003 of cameras) PostgreSQL rewrites nothing.
    safe = ["--ignore-name", "0001_initial", "0003_widen_addresses"]
    lint_migrations = [*MANAGE, "lintmigrations", "--no-cache", *safe, "--include-apps", *own_apps()]
    return [
        Check("ruff", [str(BIN / "ruff"), "check", "."]),
        Check("format", [str(BIN / "ruff"), "format", "--check", "."]),
        Check("imports", [str(BIN / "lint-imports")]),
        Check("templates-format", [djlint, "--check", "templates"]),
        Check("templates", [djlint, "--lint", "templates"]),
        Check("django", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
        Check("migrations-made", [*MANAGE, "makemigrations", "--check", "--dry-run"]),
        Check("migrations-safe", lint_migrations, {"MIGRATION_LINTER": "true"}),
        Check("openapi", [*MANAGE, "spectacular", "--fail-on-warn", "--validate", "--file", os.devnull]),
        Check("translations", [*MANAGE, "translations", "--check"]),
        Check("types", [str(BIN / "mypy"), "."]),
    ]


def run(check: Check) -> bool:
    """Run one check and write its line; what it said follows only when it failed."""
    started = time.monotonic()
    result = subprocess.run(
        check.command,
        cwd=REPOSITORY,
        env={**os.environ, **check.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    verdict = "FAILED" if result.returncode else "ok"
    print(f"{verdict:<7} {check.name:<17} {time.monotonic() - started:5.1f} s", flush=True)
    if result.returncode:
        print(result.stdout.rstrip(), flush=True)
    return result.returncode == 0


def main(names: Sequence[str]) -> int:
    """Run the checks named (all of them when none is); returns the exit status."""
    chosen = [check for check in checks() if not names or check.name in names]
    unknown = set(names) - {check.name for check in chosen}
    if unknown:
        print(
            f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(c.name for c in checks())}"
        )
        return 2
    failed = [check.name for check in chosen if not run(check)]
    print(f"Failed: {', '.join(failed)}" if failed else f"All {len(chosen)} checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
