"""Makes `.venv` and installs the requirements, with signs of life: `python3 -m deploy.install run|dev`.

Runs with the machine's own Python, so only the standard library is at hand.
"""

import subprocess
import sys
import threading
import time
import venv
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENT = REPOSITORY / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
LOG = REPOSITORY / "var" / "log" / "pip.log"
REQUIREMENTS = {"run": ["requirements.txt", "requirements-local.txt"], "dev": ["requirements-dev.txt"]}
# requirements-dev.txt holds the others, so what serves `make test` serves `make run` as well.
STAMPS = {"run": ["run"], "dev": ["run", "dev"]}
HEARTBEAT_SECONDS = 10
HINTS = {
    "No space left on device": "The disk is full: about 3 GB are needed.",
    "Temporary failure in name resolution": "No network, or no name server.",
    "Could not find a version": "No wheel for this Python or processor? Python 3.11 on x86_64 is tried.",
    "THESE PACKAGES DO NOT MATCH THE HASHES": "A download was broken: try again.",
}


class Progress:
    """What pip is at, told every ten seconds."""

    def __init__(self) -> None:
        """Counts from now."""
        self._started = time.monotonic()
        self._doing = "starting"
        self._packages = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def take(self, line: str) -> None:
        """Look at a line of pip's output."""
        words = line.split()
        if line.startswith("Collecting"):
            self._packages += 1
            self._doing = f"resolving {words[1]}"
        elif words and words[0] == "Downloading":
            self._doing = " ".join(["downloading", words[1].rpartition("/")[2], *words[2:4]])
        elif line.startswith("Installing collected"):
            self._doing = "installing"

    def end(self) -> float:
        """Stop telling; returns the seconds since the start."""
        self._done.set()
        self._thread.join()
        return time.monotonic() - self._started

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_SECONDS):
            seconds = time.monotonic() - self._started
            print(f"  {seconds:4.0f} s, {self._packages} packages so far: {self._doing}", flush=True)


def pip_install(arguments: Sequence[str]) -> None:
    """Run `pip install`; on failure show the end of its output and what to do, and exit with status 1."""
    command = [str(PYTHON), "-m", "pip", "install", "--prefer-binary", "--progress-bar", "off", *arguments]
    progress = Progress()
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=REPOSITORY
        ) as process,
    ):
        lines = []
        for line in process.stdout or []:
            log.write(line)
            lines.append(line.rstrip())
            progress.take(line.strip())
    seconds = progress.end()
    if process.returncode:
        text = "\n".join(lines[-20:])
        print(text, file=sys.stderr)
        hint = next((hint for sign, hint in HINTS.items() if sign in text), "Is the network up?")
        sys.exit(
            f"\npip failed after {seconds:.0f} s. {hint} Everything it said: {LOG}. Then run make again."
        )
    files = [part for part in arguments if part.endswith(".txt")]
    print(f"  {', '.join(files)}: {seconds:.0f} s", flush=True)


def make_environment() -> None:
    """Create `.venv` unless a working one is there; exit with a hint when one is there and broken."""
    if not PYTHON.exists():
        print(f"Making {ENVIRONMENT} with Python {sys.version.split()[0]}", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True, symlinks=True)
    elif subprocess.run([PYTHON, "-c", "import pip"], check=False).returncode:
        sys.exit(f"{ENVIRONMENT} is broken (its Python was removed?). Delete it: rm -r .venv")


def main(kind: str) -> None:
    """Install what `kind` (run, dev) needs and leave the stamp files that make looks at."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.write_text("", encoding="utf-8")
    make_environment()
    print("Installing packages: 1 to 3 minutes the first time, about 2 GB on disk", flush=True)
    pip_install([part for name in REQUIREMENTS[kind] for part in ("-r", name)])
    # By force: one of them writes over the files of another package (see that file).
    pip_install(["--no-deps", "--force-reinstall", "-r", "requirements-nodeps.txt"])
    for name in STAMPS[kind]:
        (ENVIRONMENT / f".installed-{name}").touch()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in REQUIREMENTS:
        sys.exit("usage: python3 -m deploy.install run|dev")
    main(sys.argv[1])
