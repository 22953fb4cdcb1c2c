"""Contact sheets: many samples in one picture, for the eye."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from recognition.synthesis.samples import PlateSample

_CELL, _CAPTION, _COLUMNS = (232, 120), 15, 6


def contact_sheet(samples: Sequence[PlateSample], columns: int = _COLUMNS) -> Image.Image:
    """The samples in a grid, enlarged or shrunk to fit, with their texts beneath."""
    width, height = _CELL[0], _CELL[1] + _CAPTION
    rows = -(-len(samples) // columns)
    sheet = Image.new("RGB", (columns * width, max(1, rows) * height), (24, 24, 26))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for index, shown in enumerate(samples):
        left, top = index % columns * width, index // columns * height
        picture = Image.fromarray(shown.image)
        scale = min((_CELL[0] - 4) / picture.width, (_CELL[1] - 2) / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        sheet.paste(picture.resize(size, Image.Resampling.BILINEAR), (left + 2, top + 1))
        note = f"{shown.text}  {shown.country}:{shown.category}  {shown.character_height:.0f}px"
        draw.text((left + 3, top + _CELL[1]), note, fill=(190, 190, 190), font=font)
    return sheet
