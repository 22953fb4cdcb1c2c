"""`python -m deploy.testing [WORDS FOR PYTEST]`: the tests, in two runs side by side.

Most of a run is waiting for streams, servers and leases in real time. Each half has a PostgreSQL and a Redis
of its own: the feed's horizon spans a cluster, so that two runs on one would hold back each other's
consumers. With words for pytest there is one run, of what they name.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence

from deploy.embedded import REPOSITORY

BESIDE = ("cameras", "recognition")
"""Folders of the second run: as long as all the others together."""


def folders() -> list[str]:
    """Every folder with tests (`testpaths` of pyproject.toml)."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["tool"]["pytest"]["ini_options"]["testpaths"])


def command(words: Sequence[str]) -> list[str]:
    """Pytest with servers of its own."""
    return [
        sys.executable,
        "-m",
        "deploy.embedded",
        "run",
        "--tests",
        "--",
        sys.executable,
        "-m",
        "pytest",
        *words,
    ]


def main(words: Sequence[str]) -> int:
    """Run them; the first exit status that is not 0. The second run's report follows the first's."""
    if words:
        return subprocess.run(command(words), check=False).returncode
    rest = [folder for folder in folders() if folder not in BESIDE]
    with tempfile.TemporaryFile() as report:
        beside = subprocess.Popen(command(BESIDE), stdout=report, stderr=subprocess.STDOUT)
        try:
            first = subprocess.run(command(rest), check=False).returncode
            second = beside.wait()
        finally:
            beside.terminate()
            beside.wait()
        report.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(report.read())
    return first or second


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
