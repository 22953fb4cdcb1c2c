"""Small pieces of process handling that the servers and the supervisor share. Linux only."""

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
# Loaded once here: between fork and exec a child of a threaded process must not import or allocate much.
_LIBC = ctypes.CDLL(None, use_errno=True)


class DeployError(RuntimeError):
    """Something that only a person can mend. The text says what happened and what to do."""


def tied_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `death_signal` to the child when its parent dies, even by kill -9.

    The kernel watches the *thread* that forked, so start such children from a thread that lives as long as
    the process (the main thread).
    """
    parent = os.getpid()

    def tie() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # the parent died before the line above could take effect
            os._exit(1)

    return tie


def exists(pid: int) -> bool:
    """Whether a process of this id exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.rpartition(")")[2].strip().startswith("Z")


def group_exists(group: int) -> bool:
    """Whether any living process is left in this process group.

    Zombies don't count (`os.killpg(group, 0)` would count them): the init of a container may take seconds to
    collect orphans.
    """
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = state.rpartition(")")[2].split()  # state, parent, process group, ...
        if fields[0] not in "ZX" and int(fields[2]) == group:
            return True
    return False


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; one that is gone already is no error."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def working_in(directory: Path) -> list[int]:
    """Ids of the processes whose current directory is `directory` (those that we may look at)."""
    found = []
    target = str(directory.resolve())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            here = str((entry / "cwd").readlink())
        except OSError:  # ended meanwhile, or somebody else's
            continue
        if here == target and exists(int(entry.name)):
            found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float, *, step: float = 0.05) -> bool:
    """Poll `condition` every `step` seconds; False when it did not come true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(step)
    return True


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this TCP port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier run in TIME_WAIT do not make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0, *, avoid: frozenset[int] = frozenset()) -> int:
    """`preferred` or the next free TCP port above it (any free port for 0), never one of `avoid`.

    Raises DeployError when the 100 ports from `preferred` on are all taken.
    """
    if preferred == 0:
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in avoid:
                return port
    for port in range(preferred, min(preferred + 100, 65536)):
        if port not in avoid and port_is_free(port):
            return port
    raise DeployError(f"No free TCP port from {preferred} on: stop what listens there or set PORT.")


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log file, or a note that there is none."""
    if not path.exists():
        return f"(no log at {path})"
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 64 * 1024))
        text = log.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def keep_small(log: Path, limit: int = 10 * 1024 * 1024) -> None:
    """Set a log of more than `limit` bytes aside as NAME.1, so that logs of daily runs do not fill a disk."""
    if log.exists() and log.stat().st_size > limit:
        log.replace(log.with_name(log.name + ".1"))
