"""Photos that cameras of the kind "folder" left behind, once read: they are cleaned like other photos."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cameras.models import Camera

PUT_AWAY = ("done", "failed")
"""Where `cameras.sources.folder` moves photos; nothing else is looked at."""


def put_away(before: datetime) -> Iterator[Path]:
    """Photos put away that were taken before a moment, of cameras whose folder this machine can reach."""
    for camera in Camera.objects.exclude(stream_url=""):
        parts = urlsplit(camera.stream_url)
        if parts.scheme != "file":
            continue
        for name in PUT_AWAY:
            folder = Path(unquote(parts.path)) / name
            if folder.is_dir() and not folder.is_symlink():
                yield from sorted(_older(folder, before))


def _older(folder: Path, before: datetime) -> Iterator[Path]:
    for path in folder.iterdir():
        try:
            # The time of the photo: moving keeps it.
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime < before.timestamp():
                yield path
        except FileNotFoundError:
            continue
