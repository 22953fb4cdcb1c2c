"""Pictures of passages: checked before they are kept, kept by date and camera, cut to the plate."""

import hashlib
import io
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from recognition.images import ImageError, inspect_image, upright

CROP_MARGIN = 0.15
"""Share of the box added on each side of a crop: an officer judges a plate better with its border."""

CROP_WIDTH = 320
"""Widest crop kept in the row, in pixels; a plate is legible and the row stays small."""

CROP_BYTES = 20_000
"""Largest crop that is kept as it was sent."""

_SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp"}


@dataclass(frozen=True)
class Picture:
    """A checked picture: its bytes as sent, format ("JPEG" ...), size in pixels, digest (SHA-256, hex)."""

    data: bytes
    format: str
    width: int
    height: int
    digest: str


def check(data: bytes) -> Picture:
    """Decode to the end and measure. Raises ImageError (code, message) for anything but a sound picture."""
    if len(data) > settings.MAX_IMAGE_BYTES:
        raise ImageError("too_many_bytes", f"more than {settings.MAX_IMAGE_BYTES} bytes")
    image_format, width, height = inspect_image(data, max_pixels=settings.MAX_IMAGE_PIXELS)
    return Picture(data, image_format, width, height, hashlib.sha256(data).hexdigest())


def store(picture: Picture, *, folder: str, name: str, at: datetime) -> str:
    """Keep the picture under folder/YYYY/MM/DD/name-XXXXXXXX.ext; the path in media storage.

    Raises OSError when the storage fails (disk full); then nothing of it is left.
    """
    # Random, so that whatever lies at this path is this call's own.
    mark = secrets.token_hex(4)
    path = f"{folder}/{at.astimezone(UTC):%Y/%m/%d}/{name}-{mark}.{_SUFFIX[picture.format]}"
    try:
        return default_storage.save(path, ContentFile(picture.data))
    except OSError:
        # A full disk leaves the beginning of a file behind.
        default_storage.delete(path)
        raise


def cut(frame: bytes, box: list[float]) -> bytes:
    """The plate at `box` (x1, y1, x2, y2 in pixels) with a margin, as a small JPEG."""
    with Image.open(io.BytesIO(frame)) as opened:
        image = upright(opened).convert("RGB")
    x1, y1, x2, y2 = box
    dx, dy = (x2 - x1) * CROP_MARGIN, (y2 - y1) * CROP_MARGIN
    area = (max(0, x1 - dx), max(0, y1 - dy), min(image.width, x2 + dx), min(image.height, y2 + dy))
    return shrink(image.crop((int(area[0]), int(area[1]), int(area[2]) + 1, int(area[3]) + 1)))


def shrink(image: Image.Image) -> bytes:
    """A crop as JPEG, at most CROP_WIDTH pixels wide."""
    image.thumbnail((CROP_WIDTH, CROP_WIDTH))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def small(data: bytes) -> bytes:
    """A sender's own crop, checked: as it is where that is a small JPEG, else shrunk. Raises ImageError."""
    sent = check(data)
    if sent.format == "JPEG" and max(sent.width, sent.height) <= CROP_WIDTH and len(data) <= CROP_BYTES:
        return data
    with Image.open(io.BytesIO(data)) as opened:
        return shrink(upright(opened))
