"""Photos of passages in media storage, by day: frames/CAMERA/YYYY/MM/DD. Listed and deleted, nothing else.

Works on any storage that can list folders. A photo whose row was never committed (a crash between file and
COMMIT) lies in the same folders, and goes with them.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.core.files.storage import default_storage

from detections.models import Submission, SubmissionStatus

ROOT = "frames"
DAY = timedelta(days=1)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any photo."""


@dataclass(frozen=True, slots=True)
class Album:
    """Photos that lie in some folders: how many, how large, and the SHA-256 of their names and sizes."""

    images: int = 0
    bytes: int = 0
    digest: str = hashlib.sha256().hexdigest()


def listed(folder: str) -> tuple[list[str], list[str]]:
    """Folders and files in a folder, in order; none where there is no such folder."""
    try:
        folders, files = default_storage.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    return sorted(folders), sorted(files)


def _parts(folder: str, keep: Callable[[date], bool], numbers: tuple[int, ...] = ()) -> Iterator[str]:
    """Folders of days below the folder of a camera."""
    if len(numbers) == 3:
        with contextlib.suppress(ValueError):
            if keep(date(*numbers)):
                yield folder
        return
    for name in listed(folder)[0]:
        if name.isascii() and name.isdecimal():
            yield from _parts(f"{folder}/{name}", keep, (*numbers, int(name)))


def days_between(since: datetime | None, until: datetime) -> Iterator[str]:
    """The folders of all cameras whose day (UTC) lies between two moments; `since` None: all before."""
    first = since.astimezone(UTC) if since else None
    for camera in listed(ROOT)[0]:

        def keep(day: date) -> bool:
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            return start + DAY <= until and (first is None or start >= first)

        yield from _parts(f"{ROOT}/{camera}", keep)


def _waiting() -> set[str]:
    """Photos that are still to be read: sent in late, they lie in the folder of an old day."""
    return set(
        Submission.objects.filter(status=SubmissionStatus.WAITING).values_list("image_path", flat=True)
    )


def _photos(folder: str, waiting: set[str]) -> Iterator[str]:
    return (path for name in listed(folder)[1] if (path := f"{folder}/{name}") not in waiting)


def album_of(since: datetime | None, until: datetime) -> Album:
    """What lies there now."""
    digest, images, size, waiting = hashlib.sha256(), 0, 0, _waiting()
    for folder in days_between(since, until):
        for path in _photos(folder, waiting):
            length = default_storage.size(path)
            digest.update(f"{path} {length}\n".encode())
            images, size = images + 1, size + length
    return Album(images, size, digest.hexdigest())


def delete(since: datetime | None, until: datetime) -> int:
    """Delete what lies there and the empty folders; how many files. A repeat goes on where one broke off."""
    count, waiting = 0, _waiting()
    for folder in list(days_between(since, until)):
        for path in _photos(folder, waiting):
            default_storage.delete(path)
            count += 1
        _tidy(folder)
    return count


def _tidy(folder: str) -> None:
    """Take away a folder that is empty, and those above it; object storages have none."""
    while folder.count("/") >= 2 and not any(listed(folder)):
        with contextlib.suppress(OSError):
            default_storage.delete(folder)
        folder = folder.rpartition("/")[0]
