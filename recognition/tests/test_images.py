"""Pictures of strangers: every kind is converted, every bad one is refused with its code."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from recognition.images import ImageError, inspect_image, open_image, to_jpeg


def encoded(image: Image.Image, name: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format=name, **options)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


GREY = Image.new("RGB", (40, 30), (200, 100, 50))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "BMP"])
def test_accepted_formats_open_as_rgb(name: str) -> None:
    data = encoded(GREY, name)
    pixels = open_image(data)
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[15, 20].astype(int) - (200, 100, 50)).max() < 12
    assert inspect_image(data) == (name, 40, 30)


BAD = {
    "empty": b"",
    "not_an_image": b"this is a text file named photo.jpg",
    "truncated": encoded(Image.effect_noise((200, 200), 60), "JPEG")[:2000],
    "too_small": encoded(Image.new("RGB", (1, 1)), "PNG"),
    "too_many_pixels": png_header(10_000, 6_000),
}


@pytest.mark.parametrize("code", BAD)
def test_bad_pictures_are_refused_with_their_code(code: str) -> None:
    for opener in (open_image, inspect_image):
        with pytest.raises(ImageError) as refused:
            opener(BAD[code])
        assert refused.value.code == code
        assert refused.value.message


@pytest.mark.parametrize("size", [(20_000, 20_000), (12_000, 9_000)])
def test_bombs_that_pillow_itself_warns_of_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError) as refused:
        open_image(png_header(*size))
    assert refused.value.code == "too_many_pixels"


def test_a_picture_of_just_the_limit_passes_and_one_pixel_more_does_not() -> None:
    assert open_image(encoded(GREY, "PNG"), max_pixels=1200).shape == (30, 40, 3)
    with pytest.raises(ImageError):
        open_image(encoded(GREY, "PNG"), max_pixels=1199)


@pytest.mark.parametrize("name", ["GIF", "TIFF"])
def test_other_formats_are_refused(name: str) -> None:
    with pytest.raises(ImageError) as refused:
        open_image(encoded(GREY, name))
    assert refused.value.code == "not_an_image"


def test_a_damaged_png_is_refused() -> None:
    data = encoded(Image.effect_noise((100, 100), 60), "PNG")
    for broken in (data[: len(data) // 2], data[:60] + b"\0" * 200 + data[260:]):
        with pytest.raises(ImageError) as refused:
            open_image(broken)
        assert refused.value.code == "truncated"


def test_truncated_files_are_refused_even_where_another_library_allows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ImageError):
        open_image(BAD["truncated"])


def test_cmyk_is_converted() -> None:
    assert open_image(encoded(GREY.convert("CMYK"), "JPEG")).shape == (30, 40, 3)


def test_16_bit_grey_keeps_its_brightness() -> None:
    half = Image.fromarray(np.full((30, 40), 32768, dtype=np.uint16))
    pixels = open_image(encoded(half, "PNG"))
    assert pixels.shape == (30, 40, 3)
    assert abs(int(pixels[0, 0, 0]) - 128) <= 1


def test_transparent_parts_become_white() -> None:
    clear = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    assert open_image(encoded(clear, "PNG"))[0, 0].tolist() == [255, 255, 255]
    palette = Image.new("P", (40, 30), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert open_image(encoded(palette, "PNG", transparency=0))[0, 0].tolist() == [255, 255, 255]


def test_a_photo_taken_upright_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(GREY, "JPEG", exif=exif)
    assert open_image(data).shape == (40, 30, 3)
    assert inspect_image(data) == ("JPEG", 30, 40)


def test_to_jpeg_round_trip() -> None:
    pixels = open_image(encoded(GREY, "PNG"))
    again = open_image(to_jpeg(pixels, 95))
    assert np.abs(again.astype(int) - pixels).max() < 12
