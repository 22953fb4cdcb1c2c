"""One picture of a source, now, and how long it took: for whoever has just typed its address."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from cameras.options import SourceOptions
from cameras.sources.capture import PacketTimes
from cameras.sources.errors import Fault, SourceError, failure
from cameras.sources.folder import newest_photo
from cameras.sources.opening import opened, sound_pictures
from cameras.sources.ways import way_of
from recognition.images import ImageError, open_image
from recognition.types import RGB

PATIENCE = 8.0
"""Most seconds to connect, and until something comes, whatever the camera's settings say: a person waits."""
LONGEST = 16.0
"""Seconds after which a source that sends, but no sound picture, is given up."""


@dataclass(frozen=True, slots=True)
class FirstPicture:
    """The picture and what was learned on the way to it.

    `connected` and `seconds`: from the start until the source was open, and until the picture was there.
    `fps` is what the source announces, `ahead` the seconds by which its clock is ahead of ours; None: unsaid.
    """

    image: RGB = field(repr=False)
    connected: float
    seconds: float
    codec: str = ""
    fps: float | None = None
    ahead: float | None = None


def first_picture(source: str, options: SourceOptions) -> FirstPicture:
    """The first sound picture of a source, or the newest photo of a folder. Raises SourceError."""
    started = time.monotonic()
    parts = urlsplit(source)
    path = Path(unquote(parts.path))
    if parts.scheme == "file" and path.is_dir():
        return _photo(path, started)
    address = str(path) if parts.scheme == "file" else source
    way = way_of(address, options)
    limits = replace(options, connect=min(options.connect, PATIENCE), read=min(options.read, PATIENCE))
    with opened(way, limits) as (container, video):
        connected = time.monotonic() - started
        times = PacketTimes(stamped=way.stamped, behind=way.behind)
        image = _first(container, video, times, started)
        return FirstPicture(
            image=image,
            connected=connected,
            seconds=time.monotonic() - started,
            codec=video.codec_context.name,
            fps=_plausible(video.average_rate or video.guessed_rate),
            ahead=times.ahead,
        )


def _first(container: Any, video: Any, times: PacketTimes, started: float) -> RGB:
    """The first sound one. Raises SourceError when none is, or none comes for too long."""
    damaged, late = 0, False
    for packet in container.demux(video):
        if packet.size:
            times.take(packet)
        for image in _images(packet, packed=video.codec_context.name == "mjpeg"):
            if image is not None:
                return image
            damaged += 1
        late = time.monotonic() - started > LONGEST
        if late:
            break
    if damaged:
        raise failure(Fault.CORRUPT)
    raise failure(Fault.SILENT, seconds=f"{LONGEST:.0f}") if late else failure(Fault.EMPTY)


def _images(packet: Any, *, packed: bool) -> Iterator[RGB | None]:
    """The pictures of a packet in RGB; None for a damaged one. `packed`: a JPEG, read as photos are."""
    if not packed:
        for picture in sound_pictures(packet):
            yield None if picture is None else picture.to_ndarray(format="rgb24")
    elif packet.size:
        try:
            yield open_image(bytes(packet))
        except ImageError as error:
            if error.code == "not_an_image":
                raise failure(Fault.NOT_VIDEO) from None
            yield None


def _photo(path: Path, started: float) -> FirstPicture:
    connected = time.monotonic() - started
    photo = newest_photo(path)
    if photo is None:
        raise SourceError(_("The folder is there; no photo has come into it yet."), fault=Fault.EMPTY)
    return FirstPicture(photo.image, connected, time.monotonic() - started)


def _plausible(rate: Any) -> float | None:
    """Pictures a second; None for what containers say when they do not know."""
    return float(rate) if rate and 0.01 <= float(rate) <= 240 else None
