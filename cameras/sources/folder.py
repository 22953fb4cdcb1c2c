"""A folder in which photos arrive, one by one."""

import logging
import stat
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cameras.addresses import is_own
from cameras.sources.capture import Captured
from cameras.sources.errors import Fault, failure, plain_errors
from recognition.images import ImageError, open_image

logger = logging.getLogger(__name__)

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
FOLDER_POLL = 0.25
"""Seconds between looks into a folder of photos."""


@dataclass(frozen=True, slots=True)
class Photo(Captured):
    """A photo of a folder. Name, time of change and size tell it from every other photo of that folder."""

    name: str = ""
    modified_ns: int = 0
    size: int = 0


class _Entry(NamedTuple):
    """A photo as it lies in the folder: in order, the oldest comes first."""

    modified_ns: int
    name: str
    size: int


def folder(path: Path, *, live: bool) -> Generator[Photo | None]:
    """Photos of a folder, oldest first. Live: each new one when it is complete, then moved to `done/`.

    A photo is complete when it stood still between two looks; what cannot be read goes to `failed/`. It is
    moved when the consumer asks for the next one: whoever dies before finds it again, as the same `Photo`.
    Raises SourceError.
    """
    before: set[_Entry] = set()
    number = 0
    while True:
        entries = _entries(path)
        for entry in entries:
            if live and entry not in before:
                continue
            data = _bytes_of(path / entry.name)
            if data is None:
                continue
            frame = _photo(entry, data, number)
            if frame:
                yield frame
                number += 1
            if live:
                _put_away(path, entry, "done" if frame else "failed")
        if not live:
            return
        before = set(entries)
        time.sleep(FOLDER_POLL)
        yield None


def newest_photo(path: Path) -> Photo | None:
    """The newest sound photo, waiting or put away; None when there is none. It stays where it is.

    Raises SourceError.
    """
    done = path / "done"
    for place in (path, done) if done.is_dir() else (path,):
        for entry in reversed(_entries(place)):
            data = _bytes_of(place / entry.name)
            if data is not None and (photo := _photo(entry, data, 0)):
                return photo
    return None


def names_in(path: Path) -> list[str]:
    """What lies in the folder. Raises SourceError, also where the product keeps its own pictures."""
    if is_own(path):
        raise failure(Fault.OWN)
    with plain_errors():
        return [item.name for item in path.iterdir()]


def _entries(path: Path) -> list[_Entry]:
    """The photos that lie in the folder; one that vanishes meanwhile is left out."""
    photos = [name for name in names_in(path) if Path(name).suffix.lower() in PHOTO_SUFFIXES]
    return sorted(entry for name in photos if (entry := _entry(path, name)))


def _entry(path: Path, name: str) -> _Entry | None:
    with plain_errors():
        try:
            facts = (path / name).stat()
        except FileNotFoundError:
            return None
        return _Entry(facts.st_mtime_ns, name, facts.st_size) if stat.S_ISREG(facts.st_mode) else None


def _bytes_of(photo: Path) -> bytes | None:
    """None when the photo has vanished."""
    with plain_errors():
        try:
            return photo.read_bytes()
        except FileNotFoundError:
            return None


def _photo(entry: _Entry, data: bytes, number: int) -> Photo | None:
    started = time.perf_counter()
    try:
        image = open_image(data)
    except ImageError as error:
        logger.warning("photo %s refused: %s", entry.name, error.code)
        return None
    return Photo(
        image=image,
        captured_at=datetime.fromtimestamp(entry.modified_ns / 1e9, UTC),
        number=number,
        decode_seconds=time.perf_counter() - started,
        name=entry.name,
        modified_ns=entry.modified_ns,
        size=entry.size,
    )


def _put_away(path: Path, entry: _Entry, name: str) -> None:
    """Move the photo that was read, not another that took its name meanwhile."""
    with plain_errors():
        if _entry(path, entry.name) != entry:
            return
        (path / name).mkdir(exist_ok=True)
        try:
            (path / entry.name).replace(path / name / entry.name)
        except FileNotFoundError:
            logger.info("photo %s vanished before it was put away", entry.name)
