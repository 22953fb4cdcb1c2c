"""Drawing Beninese number plates: one line with flag and RB mark, or two lines on motorcycles.

What is known of them is in `recognition/formats.json`; the fine layout is our own guess. The typeface is
Source Sans Pro Bold (SIL Open Font License) from the package font-source-sans-pro, narrowed a little: no
source names the typeface of real plates, and its plain strokes and open 6 and 9 come close to them.
"""

from __future__ import annotations

import importlib.util
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from recognition.formats import layout_of
from recognition.plates import core, normalise
from recognition.synthesis.strokes import Colour

#: Size in metres: European one-line plates, and motorcycle plates (a guess).
ONE_LINE_SIZE = (0.52, 0.11)
TWO_LINE_SIZE = (0.24, 0.16)
#: Drawn at this many pixels a metre, three times what the nearest camera view needs.
SCALE = 2000

_GROUNDS: dict[str, Colour] = {
    "white": (238, 238, 232),
    "orange": (240, 138, 28),
    "blue": (28, 66, 148),
    "red": (186, 28, 34),
}
_INKS: dict[str, Colour] = {
    "white": (22, 22, 24),
    "orange": (24, 20, 18),
    "blue": (240, 240, 240),
    "red": (240, 240, 240),
}
_GREEN, _YELLOW, _RED = (0, 135, 81), (252, 209, 22), (232, 17, 45)


def draw_plate(text: str, *, colour: str = "white", two_lines: bool | None = None) -> Image.Image:
    """A clean plate, seen straight on, as an RGBA picture of 2000 pixels a metre.

    `text` is a Beninese plate with or without its RB mark, which is always drawn. `colour` is the
    background: white, orange, blue or red. `two_lines` None: as the plate's format is usually laid out.
    Raises ValueError for another colour or an empty text.
    """
    if colour not in _GROUNDS:
        raise ValueError(f"No plate of colour {colour!r}: choose {', '.join(_GROUNDS)}")
    plate = core(normalise(text))
    if not plate:
        raise ValueError("A plate needs at least one letter or digit")
    shown = layout_of(plate)
    if two_lines is None:
        two_lines = len(shown.lines) > 1
    if two_lines:
        lines = layout_of(plate, layout="two_line").lines
        return _two_line(["".join(line) for line in lines], colour)
    return _one_line([group for line in shown.lines for group in line], colour)


def _blank(size: tuple[float, float], colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    width, height = round(size[0] * SCALE), round(size[1] * SCALE)
    plate = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(plate)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), 20, fill=(*_GROUNDS[colour], 255))
    draw.rounded_rectangle((7, 7, width - 8, height - 8), 16, outline=(*_INKS[colour], 255), width=5)
    return plate, draw


def _one_line(groups: list[str], colour: str) -> Image.Image:
    plate, _ = _blank(ONE_LINE_SIZE, colour)
    width, height = plate.size
    ink = _INKS[colour]
    left = width - 184
    _write(plate, "  ".join(groups), (34, 26, left - 22, height - 26), ink)
    _flag(plate, (left + 44, 22, width - 62, 70))
    _write(plate, "RB", (left, 82, width - 30, height - 24), ink)
    return plate


def _two_line(lines: list[str], colour: str) -> Image.Image:
    plate, _ = _blank(TWO_LINE_SIZE, colour)
    width, height = plate.size
    ink = _INKS[colour]
    middle = height // 2
    _write(plate, lines[0], (34, 24, width - 150, middle - 8), ink, centred=False)
    # Well apart from the letters: a reader takes a flag beside them for an L.
    _flag(plate, (width - 92, 40, width - 28, 84))
    _write(plate, "".join(lines[1:]), (24, middle + 10, width - 142, height - 24), ink)
    _write(plate, "RB", (width - 130, middle + 28, width - 26, height - 24), ink)
    return plate


def _write(
    plate: Image.Image, text: str, box: tuple[int, int, int, int], ink: Colour, *, centred: bool = True
) -> None:
    """Write text as high as the box, narrowed to fit its width, in the middle or at the left."""
    x1, y1, x2, y2 = box
    glyphs = _glyphs(text, y2 - y1)
    width = min(round(glyphs.width * 0.96), x2 - x1)
    stencil = glyphs.resize((width, y2 - y1), Image.Resampling.LANCZOS)
    left = x1 + (x2 - x1 - width) // 2 if centred else x1
    plate.paste((*ink, 255), (left, y1), stencil)


@lru_cache(maxsize=256)
def _glyphs(text: str, height: int) -> Image.Image:
    """The text as a mask cut to its ink; capitals and digits fill the height."""
    font = _font(round(height / 0.66))
    left, top, right, bottom = font.getbbox(text)
    mask = Image.new("L", (round(right - left), round(bottom - top)), 0)
    ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=font)
    return mask


def _flag(plate: Image.Image, box: tuple[int, int, int, int]) -> None:
    """The flag of Benin: green at the mast, yellow above red."""
    x1, y1, x2, y2 = box
    draw = ImageDraw.Draw(plate)
    split_x, split_y = x1 + round((x2 - x1) * 0.4), (y1 + y2) // 2
    draw.rectangle((split_x, y1, x2, split_y), fill=(*_YELLOW, 255))
    draw.rectangle((split_x, split_y, x2, y2), fill=(*_RED, 255))
    draw.rectangle((x1, y1, split_x, y2), fill=(*_GREEN, 255))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    spec = importlib.util.find_spec("font_source_sans_pro")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("Drawing plates needs: pip install font-source-sans-pro==0.0.1")
    return ImageFont.truetype(str(Path(spec.origin).parent / "files" / "SourceSansPro-Bold.ttf"), size)
