"""The flat face of a random plate: ground, border, bands, captions and the characters.

Where things sit follows what photographs of such plates have in common (measures in shares of the plate):
Benin's flag and RB at the right with room for a sticker between, the blue band of Europe at the left, the
captions of American and Nigerian plates above and below, the tag of older Brazilian plates above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from recognition.synthesis.texts import PlateText
from recognition.synthesis.textures import Floats
from recognition.synthesis.typefaces import GLYPH_HEIGHT, GLYPH_MARGIN, glyph

#: left, top, right, bottom as shares of the plate.
Area: TypeAlias = tuple[float, float, float, float]

#: Width and height in millimetres by style and number of lines; more than one where several are in use.
_SIZES: dict[tuple[str, int], tuple[tuple[int, int], ...]] = {
    ("benin", 1): ((520, 110), (520, 110), (460, 110)),
    ("benin", 2): ((240, 160), (210, 150), (275, 200), (300, 200)),
    ("plain", 1): ((520, 110), (460, 110), (400, 110), (340, 130)),
    ("plain", 2): ((240, 160), (200, 140), (275, 200), (200, 200)),
    ("eu", 1): ((520, 110), (520, 110), (440, 110), (340, 110)),
    ("eu", 2): ((280, 200), (300, 200), (240, 180), (220, 200)),
    ("us", 1): ((305, 152),),
    ("us", 2): ((180, 100), (180, 120)),
    ("br", 1): ((400, 130),),
    ("br", 2): ((200, 170), (187, 136)),
    ("mercosur", 1): ((400, 130),),
    ("mercosur", 2): ((200, 170),),
    ("nigeria", 1): ((370, 150), (400, 140)),
}
_GROUNDS = {
    "white": (232, 233, 228), "grey": (172, 176, 176), "yellow": (240, 192, 36), "orange": (234, 132, 30),
    "red": (180, 26, 32), "blue": (30, 62, 142), "green": (22, 104, 62), "black": (26, 26, 28),
    "purple": (96, 44, 122),
}  # fmt: skip
_INKS = {
    "black": (22, 22, 25), "white": (238, 238, 236), "red": (178, 24, 30), "blue": (26, 50, 130),
    "green": (16, 92, 54), "yellow": (242, 206, 60), "orange": (240, 150, 50),
}  # fmt: skip
_BAND_BLUE = (16, 56, 150)
#: How often a European plate carries a coat of arms or seals among its characters.
_EMBLEM = 0.35
_EMBLEM_INKS = ((196, 200, 202), (150, 154, 158), (196, 40, 44), (226, 184, 48), (40, 74, 160), (44, 120, 70),
                (232, 232, 230), (70, 72, 76), (206, 120, 40))  # fmt: skip
_FLAG_GREEN, _FLAG_YELLOW, _FLAG_RED = (0, 135, 81), (252, 209, 22), (232, 17, 45)
_CAPTIONS = ("RIO VERDE", "NORTH COAST", "SUNSHINE STATE", "LAGOS", "ABUJA", "UNITY", "CENTRE CITY", "KANO",
             "LAKE COUNTRY", "PORTO ALEGRE", "SERRA AZUL", "WILDLIFE", "OYO", "PACESETTER")  # fmt: skip


@dataclass(slots=True)
class Face:
    """A plate seen straight on: RGB in 0..255, how much ink covers each pixel (0..1), characters' place.

    `main` is the line that the character height is measured on: left, top, right, bottom in pixels.
    """

    pixels: Floats
    ink: Floats
    ground_colour: Floats
    ink_colour: Floats
    main: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Hand:
    """How one plate is lettered: face, swelling, width, and room between characters (of their height)."""

    font: str
    boldness: int
    width: float
    spacing: float
    gap: float
    separator: str


def draw_face(plate: PlateText, font: str, rng: np.random.Generator, height: int) -> Face:
    """The plate as new from the press, `height` pixels high."""
    sizes = _SIZES[plate.kind.style, len(plate.lines)]
    wide, high = sizes[int(rng.integers(len(sizes)))]
    shape = (height, round(height * wide / high))
    hand = _hand(plate, font, rng)
    ground = _jitter(_GROUNDS[plate.ground], rng)
    ink_colour = _jitter(_INKS[plate.ink], rng)
    ink = np.zeros(shape, np.float32)
    pixels = np.empty((*shape, 3), np.float32)
    pixels[:] = ground
    face = Face(pixels, ink, ground, ink_colour, (0.0, 0.0, 1.0, 1.0))
    inner = _furniture(face, plate, rng)
    if rng.random() < 0.6:
        _border(ink, rng)
    _letter(face, plate, hand, inner, rng)
    return face


def inked(face: Face) -> Floats:
    """The face with its ink on."""
    cover = face.ink[:, :, None]
    return face.pixels + (face.ink_colour - face.pixels) * cover


def _hand(plate: PlateText, font: str, rng: np.random.Generator) -> _Hand:
    separators = {"eu": ("", "", "-", "."), "br": (".", "-", ""), "nigeria": ("-", "", "-")}
    options = separators.get(plate.kind.style, ("", "", "", "-"))
    return _Hand(
        font=font,
        boldness=int(rng.integers(-2, 3)),
        width=float(rng.uniform(0.82, 1.12)),
        spacing=float(rng.uniform(0.1, 0.22)),
        gap=float(rng.uniform(0.28, 0.6)),
        separator=options[int(rng.integers(len(options)))],
    )


def _letter(face: Face, plate: PlateText, hand: _Hand, inner: Area, rng: np.random.Generator) -> None:
    """Write the lines into the area that bands and captions leave."""
    left, top, right, bottom = inner
    lines = [list(line) for line in plate.lines]
    small_mark = ""
    if plate.mark and lines[-1][-1:] == [plate.mark] and plate.kind.country == "BJ" and len(plate.text) > 4:
        small_mark = plate.mark if rng.random() < 0.65 else ""
    if small_mark:
        lines[-1] = lines[-1][:-1]
        right = _mark_at_the_right(face, small_mark, hand, inner, len(lines), rng)
    emblem = plate.kind.style == "eu" and rng.random() < _EMBLEM
    if len(lines) == 1:
        if emblem and len(lines[0]) > 1:
            face.main = _around_emblem(face, lines[0], (left, top, right, bottom), hand, rng)
        else:
            face.main = _write(face.ink, lines[0], (left, top, right, bottom), hand, rng)
        return
    gap = (bottom - top) * float(rng.uniform(0.09, 0.16))
    # The upper line often is lower or higher than the lower one, and shorter.
    middle = (top + bottom) / 2 + (bottom - top) * float(rng.uniform(-0.07, 0.05))
    upper_right = inner[2] if not small_mark else right
    upper = (left, top, upper_right, middle - gap / 2)
    _write(face.ink, lines[0], _beside_emblem(face, upper, rng) if emblem else upper, hand, rng)
    face.main = _write(face.ink, lines[1], (left, middle + gap / 2, right, bottom), hand, rng)


def _beside_emblem(face: Face, area: Area, rng: np.random.Generator) -> Area:
    """Draw a coat of arms or a seal at one end of the line; gives what is left for the characters."""
    x1, y1, x2, y2 = area
    across = (y2 - y1) * float(rng.uniform(0.7, 1.0)) * face.ink.shape[0] / face.ink.shape[1]
    if rng.random() < 0.8:
        _emblem(face.pixels, (x2 - across, y1, x2, y2), rng)
        return x1, y1, x2 - across * 1.15, y2
    _emblem(face.pixels, (x1, y1, x1 + across, y2), rng)
    return x1 + across * 1.15, y1, x2, y2


def _around_emblem(
    face: Face, groups: list[str], area: Area, hand: _Hand, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """The first group, one or two seals or a coat of arms, the other groups."""
    x1, y1, x2, y2 = area
    across = (y2 - y1) * float(rng.uniform(0.45, 0.8)) * face.ink.shape[0] / face.ink.shape[1]
    share = len(groups[0]) / sum(map(len, groups))
    split = x1 + (x2 - x1 - across) * share
    first = _write(face.ink, groups[:1], (x1, y1, split, y2), hand, rng)
    _emblem(face.pixels, (split + across * 0.06, y1, split + across * 0.94, y2), rng)
    rest = _write(face.ink, groups[1:], (split + across, y1, x2, y2), hand, rng)
    return first[0], min(first[1], rest[1]), rest[2], max(first[3], rest[3])


def _emblem(pixels: Floats, area: Area, rng: np.random.Generator) -> None:
    """A shield of two fields with a charge, a round seal, or two small seals one above the other."""
    import cv2

    height, width = pixels.shape[:2]
    x1, x2 = area[0] * width, area[2] * width
    y1, y2 = area[1] * height, area[3] * height
    middle, half = (x1 + x2) / 2, min(x2 - x1, y2 - y1) / 2 * float(rng.uniform(0.75, 1.0))
    inks = [tuple(float(v) for v in _EMBLEM_INKS[int(i)]) for i in rng.integers(0, len(_EMBLEM_INKS), 3)]
    if rng.random() < 0.4:
        up = (y1 + y2) / 2 - half * 1.1
        points = np.array([(-0.8, 0), (0.8, 0), (0.8, 1.2), (0.45, 1.9), (0, 2.2), (-0.45, 1.9), (-0.8, 1.2)])
        shield = np.rint(points * half + (middle, up)).astype(np.int32)
        cv2.fillPoly(pixels, [shield], inks[0], cv2.LINE_AA)
        thick = max(1, round(half * float(rng.uniform(0.2, 0.5))))
        cv2.line(pixels, (round(middle), round(up)), (round(middle), round(up + 2 * half)), inks[1], thick)
        across = round(up + half * float(rng.uniform(0.6, 1.2)))
        cv2.line(
            pixels, (round(middle - 0.7 * half), across), (round(middle + 0.7 * half), across), inks[2], thick
        )
        cv2.polylines(pixels, [shield], True, (60.0, 60.0, 60.0), 1, cv2.LINE_AA)
        return
    two = y2 - y1 > 1.6 * (x2 - x1) or rng.random() < 0.35
    radius = min(half, (y2 - y1) / 4.2) if two else half
    for at in (y1 + radius, y2 - radius) if two else (y1 + float(rng.uniform(0.3, 0.7)) * (y2 - y1),):
        for share, ink in ((1.0, inks[0]), (0.72, inks[1]), (0.3, inks[2])):
            cv2.circle(
                pixels, (round(middle), round(at)), max(1, round(radius * share)), ink, -1, cv2.LINE_AA
            )


def _mark_at_the_right(
    face: Face, mark: str, hand: _Hand, inner: Area, lines: int, rng: np.random.Generator
) -> float:
    """The flag, room for the sticker, and the small mark; gives where the main characters must end."""
    _, top, right, bottom = inner
    height, width = face.ink.shape
    across = (0.32 if lines == 2 else 0.7) * height / width * float(rng.uniform(0.9, 1.1))
    start = right - across
    low = bottom if lines == 1 else bottom - 0.03
    mark_high = (0.36 if lines == 1 else 0.22) * float(rng.uniform(0.85, 1.1))
    small = _Hand(hand.font, hand.boldness, 0.9, 0.12, 0.2, "")
    _write(face.ink, [mark], (start, low - mark_high, right, low), small, rng)
    flag_high = (0.22 if lines == 1 else 0.16) * float(rng.uniform(0.8, 1.1))
    if rng.random() < 0.85:
        x1, x2 = start + across * 0.18, right - across * 0.18
        _flag(face.pixels, (x1, top, x2, top + flag_high))
    if rng.random() < 0.4:
        # The sticker sits between flag and mark, as large as the room there.
        x, y = start + across / 2, (top + flag_high + low - mark_high) / 2
        up = min(0.07, (low - mark_high - top - flag_high) * 0.4)
        colour = _jitter((176, 184, 196), rng)
        _rectangle(face.pixels, (x - up * height / width, y - up, x + up * height / width, y + up), colour)
    end: float = start - 0.12 * height / width
    return end


def _write(
    ink: Floats, groups: list[str], area: Area, hand: _Hand, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Write groups of characters into the area, as high as it or as wide; gives their box in pixels."""
    import cv2

    height, width = ink.shape
    x1, y1, x2, y2 = area[0] * width, area[1] * height, area[2] * width, area[3] * height
    strip = _strip(groups, hand, rng)
    high = y2 - y1
    wide = strip.shape[1] * high / GLYPH_HEIGHT * hand.width
    if wide > x2 - x1:
        # Narrowed by at most a third, then smaller: real plates use a narrow face where text is long.
        squeeze = max((x2 - x1) / wide, 0.67)
        high *= min(1.0, (x2 - x1) / (wide * squeeze))
        wide = min(x2 - x1, wide * squeeze)
    scale = high / GLYPH_HEIGHT
    size = (max(1, round(wide)), max(1, round(strip.shape[0] * scale)))
    drawn = np.asarray(cv2.resize(strip, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    left = round(x1 + (x2 - x1 - size[0]) * float(np.clip(rng.normal(0.5, 0.1), 0, 1)))
    top = round((y1 + y2) / 2 - size[1] / 2)
    up, cut = max(0, top), max(0, -top)
    piece = ink[up : top + size[1], max(0, left) : left + size[0]]
    np.maximum(piece, drawn[cut : cut + piece.shape[0], : piece.shape[1]] / np.float32(255), out=piece)
    middle = (y1 + y2) / 2
    return float(left), middle - high / 2, float(left + size[0]), middle + high / 2


def _strip(
    groups: list[str], hand: _Hand, rng: np.random.Generator
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Glyphs side by side at full size."""
    rows = GLYPH_HEIGHT + 2 * GLYPH_MARGIN
    space = np.zeros((rows, max(1, round(hand.spacing * GLYPH_HEIGHT))), np.uint8)
    parts: list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]] = []
    for number, group in enumerate(groups):
        if number:
            parts.append(_between(hand, rows))
        for index, char in enumerate(group):
            if index:
                parts.append(space)
            drawn = glyph(hand.font, char, hand.boldness)
            shift = int(rng.integers(-1, 2))
            parts.append(np.roll(drawn, shift, axis=0) if shift else drawn)
    return np.concatenate(parts, axis=1)


def _between(hand: _Hand, rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The gap between two groups, with a dash or a dot in it where the plate has one."""
    gap = np.zeros((rows, round((hand.gap + (0.12 if hand.separator else 0)) * GLYPH_HEIGHT)), np.uint8)
    middle, reach = rows // 2, max(3, gap.shape[1] // 2 - 9)
    if hand.separator == "-":
        gap[middle - 5 : middle + 5, gap.shape[1] // 2 - reach : gap.shape[1] // 2 + reach] = 255
    elif hand.separator == ".":
        gap[middle - 6 : middle + 6, gap.shape[1] // 2 - 6 : gap.shape[1] // 2 + 6] = 255
    return gap


def _furniture(face: Face, plate: PlateText, rng: np.random.Generator) -> Area:
    """Bands and captions of the style; gives the area left for the characters."""
    style, lines = plate.kind.style, len(plate.lines)
    height, width = face.ink.shape
    side = 0.14 * height / width * float(rng.uniform(0.8, 1.6))
    low, high = (0.15, 0.85) if lines == 1 else (0.09, 0.91)
    if style == "eu" and rng.random() < 0.8:
        return _blue_band(face, lines, side, (low, high), rng)
    if style == "mercosur":
        _rectangle(face.pixels, (0, 0, 1, 0.2), _jitter(_BAND_BLUE, rng))
        _caption(face.pixels, (0.3, 0.04, 0.7, 0.16), np.float32(240), rng)
        return side, 0.27, 1 - side, 0.92
    if (style in {"us", "nigeria", "br"} and lines == 1) or style == "br":
        _caption(face.pixels, (0.25, 0.06, 0.75, 0.17), face.ink_colour, rng)
        if style == "br":
            return side, (0.3 if lines == 1 else 0.25), 1 - side, 0.92
        if rng.random() < 0.7:
            _caption(face.pixels, (0.25, 0.86, 0.75, 0.95), face.ink_colour, rng)
        return side, 0.26, 1 - side, 0.79
    return side, low, 1 - side, high


def _blue_band(
    face: Face, lines: int, side: float, rows: tuple[float, float], rng: np.random.Generator
) -> Area:
    """The European band at the left (beside the upper line only on some two-line plates)."""
    height, width = face.ink.shape
    across = (0.4 if lines == 1 else 0.2) * height / width
    below = 1.0 if lines == 1 or rng.random() < 0.6 else 0.48
    _rectangle(face.pixels, (0, 0, across, below), _jitter(_BAND_BLUE, rng))
    for turn in np.linspace(0, 2 * np.pi, 13)[:-1]:
        x = across * (0.5 + 0.28 * float(np.cos(turn)))
        y = below * 0.3 + across * 0.28 * width / height * float(np.sin(turn))
        reach = across * 0.05
        up = reach * width / height
        _rectangle(face.pixels, (x - reach, y - up, x + reach, y + up), np.array(_FLAG_YELLOW, np.float32))
    _caption(
        face.pixels, (across * 0.3, below * 0.66, across * 0.7, below * 0.86), np.float32(240), rng, "DFIB"
    )
    return across + side * 0.6, rows[0], 1 - side, rows[1]


def _caption(pixels: Floats, area: Area, colour: Floats | np.float32, rng: np.random.Generator,
             letters: str = "") -> None:  # fmt: skip
    """Small print that is no part of the text: one letter of `letters`, or an invented caption."""
    text = (
        letters[int(rng.integers(len(letters)))] if letters else _CAPTIONS[int(rng.integers(len(_CAPTIONS)))]
    )
    cover = np.zeros(pixels.shape[:2], np.float32)
    _write(cover, text.split(), area, _Hand("source_bold", 0, 1.0, 0.16, 0.4, ""), rng)
    pixels += (colour - pixels) * cover[:, :, None]


def _flag(pixels: Floats, area: Area) -> None:
    """The flag of Benin: green at the mast, yellow above red."""
    x1, y1, x2, y2 = area
    split_x, split_y = x1 + (x2 - x1) * 0.4, (y1 + y2) / 2
    for part, colour in (
        ((x1, y1, split_x, y2), _FLAG_GREEN),
        ((split_x, y1, x2, split_y), _FLAG_YELLOW),
        ((split_x, split_y, x2, y2), _FLAG_RED),
    ):
        _rectangle(pixels, part, np.array(colour, np.float32))


def _border(ink: Floats, rng: np.random.Generator) -> None:
    height, width = ink.shape
    inset, thick = round(height * rng.uniform(0.0, 0.035)), max(1, round(height * rng.uniform(0.012, 0.03)))
    cover = float(rng.uniform(0.5, 1.0))
    for rows, columns in (
        (slice(inset, inset + thick), slice(inset, width - inset)),
        (slice(height - inset - thick, height - inset), slice(inset, width - inset)),
        (slice(inset, height - inset), slice(inset, inset + thick)),
        (slice(inset, height - inset), slice(width - inset - thick, width - inset)),
    ):
        ink[rows, columns] = np.maximum(ink[rows, columns], cover)


def _rectangle(pixels: Floats, area: Area, colour: Floats) -> None:
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = area
    rows = slice(max(0, round(y1 * height)), max(1, round(y2 * height)))
    pixels[rows, max(0, round(x1 * width)) : max(1, round(x2 * width))] = colour


def _jitter(colour: tuple[int, int, int], rng: np.random.Generator) -> Floats:
    """The colour a little lighter, darker or otherwise tinted: batches and years differ."""
    shade = rng.uniform(0.86, 1.06) + rng.uniform(-0.03, 0.03, 3)
    return np.clip(np.array(colour) * shade + rng.uniform(-6, 6), 4, 252).astype(np.float32)
