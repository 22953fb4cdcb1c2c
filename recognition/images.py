"""Opening pictures that strangers send: nothing is decoded before its header is judged.

Pillow is needed; numpy only by what returns or takes arrays, so that a web process can check an upload
with `inspect_image` alone.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

if TYPE_CHECKING:
    from recognition.types import RGB

#: Formats accepted, by Pillow's names. MPO (several JPEGs in one, as telephones write) counts as JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
#: A photograph of 40 megapixels takes 120 MB as RGB, which a worker can still hold.
MAX_PIXELS = 40_000_000
#: Below this a plate's characters could not be told apart even if it filled the picture.
MIN_SIDE = 16

# What Pillow's decoders raise on damaged files of the accepted formats.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)
# What brings a picture upright, by its EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class ImageError(Exception):
    """A picture that cannot be used.

    `code` is for programs: "empty", "not_an_image", "truncated", "too_many_pixels" or "too_small";
    `message` is for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ImageFacts(NamedTuple):
    """What `inspect_image` found: format ("JPEG", ...), width and height in pixels, upright."""

    format: str
    width: int
    height: int


def inspect_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    """Check that the bytes are an accepted picture that decodes to its end. Does not need numpy.

    A JPEG is decoded at an eighth of its size: every byte of it is read, in half the time. Raises ImageError.
    """
    with _opened(data, max_pixels) as image:
        width, height = image.size
        if isinstance(image, JpegImageFile):
            image.draft("L", (1, 1))
        _load(image)
        name = "JPEG" if image.format == "MPO" else str(image.format)
        on_its_side = _orientation(image) in (5, 6, 7, 8)
        return ImageFacts(name, height, width) if on_its_side else ImageFacts(name, width, height)


def open_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> RGB:
    """Decode a picture to RGB, upright (EXIF orientation applied), transparent parts on white.

    CMYK, palette, grey and 16-bit pictures are converted. Raises ImageError.
    """
    import numpy as np

    with _opened(data, max_pixels) as image:
        _load(image)
        return np.ascontiguousarray(np.asarray(_to_rgb(upright(image)), dtype=np.uint8))


def to_jpeg(array: RGB, quality: int = 88, *, longest: int = 0) -> bytes:
    """The RGB picture as JPEG bytes; quality 1 to 95. `longest`: most pixels of a side (0: as it is)."""
    out = io.BytesIO()
    image = Image.fromarray(array)
    if longest:
        image.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    image.save(out, format="JPEG", quality=quality)
    return out.getvalue()


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    """Read the header only, and judge it."""
    if not data:
        raise ImageError("empty", "The file is empty.")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except _BOMB as error:
        raise ImageError("too_many_pixels", f"The picture has more than {max_pixels} pixels.") from error
    except UnidentifiedImageError as error:
        raise ImageError("not_an_image", f"This is not a {', '.join(FORMATS)} picture.") from error
    except _DAMAGED as error:
        raise ImageError("truncated", "The picture's header is damaged.") from error
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError("too_many_pixels", f"{width} x {height} is more than {max_pixels} pixels.")
    if min(width, height) < MIN_SIDE:
        raise ImageError("too_small", f"{width} x {height} pixels: each side must have {MIN_SIDE} or more.")
    return image


def _load(image: Image.Image) -> None:
    # Other libraries (ultralytics among them) switch Pillow to accept cut-off files for the whole process.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        image.load()
    except _DAMAGED as error:
        raise ImageError("truncated", "The picture is cut off or damaged.") from error


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says, or itself. Raises ImageError.

    Unlike Pillow's `exif_transpose` it writes no EXIF, at which Pillow fails for odd entries of any kind.
    """
    method = _TURNS.get(_orientation(image))
    return image if method is None else image.transpose(method)


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except _DAMAGED as error:
        raise ImageError("truncated", "The picture is cut off or damaged.") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in {"I;16", "I;16B", "I;16L", "I"}:
        # Pillow clips 16-bit grey to white on conversion; keep the upper byte instead.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")
