"""Connecting to a camera once, to see whether it answers."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cameras.models import Camera
from cameras.options import CameraSettingsError
from cameras.sources import Fault, SourceError, frames_of, is_endless
from cameras.sources.errors import failure
from cameras.sources.folder import names_in

AT_ONCE = 8
"""Cameras that are connected to at the same time."""


@dataclass(frozen=True, slots=True)
class Check:
    """What came of it. `fault` is "" where a picture came; `words` say what is wrong, without the address.

    `seconds`: from connecting to the first picture, or to giving up. A folder is only looked at, since its
    photos count as read once they are opened: it has no picture, and 0 for its sides.
    """

    code: str
    seconds: float
    width: int = 0
    height: int = 0
    fault: str = ""
    words: str = ""


def check(camera: Camera) -> Check:
    """Connect to the camera and wait for its first picture, no longer than its own time-outs allow."""
    begun = time.monotonic()
    try:
        width, height = _first_picture(camera)
    except SourceError as error:
        return Check(camera.code, time.monotonic() - begun, fault=error.fault, words=str(error))
    except CameraSettingsError as error:
        return Check(camera.code, time.monotonic() - begun, fault="settings", words=str(error))
    return Check(camera.code, time.monotonic() - begun, width, height)


def check_all(cameras: Iterable[Camera], *, at_once: int = AT_ONCE) -> Iterator[Check]:
    """Check many cameras side by side; each as soon as those before it are known."""
    with ThreadPoolExecutor(at_once, thread_name_prefix="check") as pool:
        yield from pool.map(check, cameras)


def _first_picture(camera: Camera) -> tuple[int, int]:
    path = Path(unquote(urlsplit(camera.source).path))
    if camera.source.startswith("file:") and path.is_dir():
        names_in(path)
        return 0, 0
    with closing(frames_of(camera, live=is_endless(camera))) as frames:
        for frame in frames:
            if frame is not None:
                return frame.image.shape[1], frame.image.shape[0]
    raise failure(Fault.EMPTY)
