"""What years on the road do to a plate, and what it is mounted with. Strengths are 0 (nothing) to 1.

Each effect takes the face (`recognition.synthesis.faces.Face`), its own chance and a strength, and changes
the face's pixels or ink in place. `WORN_INK` comes before the ink is put on, `ON_FACE` after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from recognition.synthesis.faces import Face
from recognition.synthesis.textures import Floats, clouds, gradient

Effect: TypeAlias = Callable[[Face, np.random.Generator, float], None]

_DIRTS = ((126, 92, 62), (150, 116, 82), (92, 80, 70), (156, 84, 48))  # laterite, sand, soot, red earth


def _wear(face: Face, rng: np.random.Generator, strength: float) -> None:
    """Paint flakes off the characters and the rest fades."""
    height, width = face.ink.shape
    flakes = clouds(rng, height, width, height / 50)
    patches = clouds(rng, height, width, height / 8)
    lost = np.clip((flakes * 0.6 + patches * 0.6 - 1.0 + 0.27 * strength) * 8, 0, 1)
    face.ink *= (1 - lost * (0.4 + 0.35 * strength)) * (1 - 0.35 * strength * patches)


def _emboss(face: Face, rng: np.random.Generator, strength: float) -> None:
    """Light on one flank of every raised character and shade on the other."""
    import cv2

    height = face.ink.shape[0]
    relief = np.asarray(cv2.blur(face.ink, (3, 3)), dtype=np.float32)
    step = max(1, round(height / 60))
    angle = float(rng.uniform(-0.9, 0.9))
    dy, dx = step, round(step * np.sin(angle) * 1.5)
    light = np.roll(relief, (dy, dx), (0, 1)) - np.roll(relief, (-dy, -dx), (0, 1))
    light[:dy] = light[height - dy :] = 0
    face.pixels -= (light * np.float32(20 + 55 * strength))[:, :, None]


def _fade(face: Face, rng: np.random.Generator, strength: float) -> None:
    """The sun bleaches the ground and the ink towards a common grey."""
    grey = np.float32(rng.uniform(150, 205))
    field = gradient(rng, face.ink.shape[0], face.ink.shape[1], 0.1, 0.5)[:, :, None]
    face.pixels += (grey - face.pixels) * field * np.float32(strength)


def _dirt(face: Face, rng: np.random.Generator, strength: float) -> None:
    """Clouds of dust, thicker below, and splashes."""
    height, width = face.ink.shape
    colour = np.array(_DIRTS[int(rng.integers(len(_DIRTS)))], np.float32) * np.float32(rng.uniform(0.7, 1.2))
    rising = np.linspace(-0.35, 0.25, height, dtype=np.float32)[:, None]
    blotches = clouds(rng, height, width, height / 7) * 0.6 + clouds(rng, height, width, height / 30) * 0.4
    cover = np.clip((blotches + rising - 0.75 + 0.45 * strength) * 3, 0, 1) * (0.35 + 0.45 * strength)
    veil = np.float32(0.3 * strength * rng.random())
    cover = np.maximum(cover, veil)[:, :, None]
    face.pixels += (colour - face.pixels) * cover


def _scratches(face: Face, rng: np.random.Generator, strength: float) -> None:
    """Thin bright or dark lines."""
    import cv2

    height, width = face.ink.shape
    cover = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 3 + round(8 * strength)))):
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        turn, length = float(rng.uniform(0, np.pi)), float(rng.uniform(0.2, 1.2)) * height
        end = (round(x + np.cos(turn) * length), round(y + np.sin(turn) * length))
        cv2.line(cover, (round(x), round(y)), end, float(rng.uniform(0.3, 0.4 + 0.5 * strength)),
                 max(1, round(height / 110)), cv2.LINE_AA)  # fmt: skip
    shade = np.float32(rng.choice([60, 150, 225]))
    face.pixels += (shade - face.pixels) * cover[:, :, None]


def _sticker(face: Face, rng: np.random.Generator, strength: float) -> None:
    """Seals and inspection stickers, round or square, where they cover the fewest characters."""
    import cv2

    height = face.ink.shape[0]
    for _ in range(1 + int(rng.random() < strength)):
        reach = height * float(rng.uniform(0.05, 0.07 + 0.05 * strength))
        x, y = _clear_spot(face, rng, reach)
        colour = tuple(float(value) for value in rng.uniform(30, 235, 3))
        box = (round(x - reach), round(y - reach)), (round(x + reach), round(y + reach))
        if rng.random() < 0.6:
            cv2.circle(face.pixels, (round(x), round(y)), round(reach), colour, -1, cv2.LINE_AA)
            inner = tuple(float(value) for value in rng.uniform(120, 240, 3))
            cv2.circle(face.pixels, (round(x), round(y)), max(1, round(reach * 0.55)), inner, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(face.pixels, *box, colour, -1)
            cv2.line(face.pixels, box[0], (box[1][0], box[0][1]), (230.0, 230.0, 230.0), 1)


def _bolts(face: Face, rng: np.random.Generator, strength: float) -> None:
    """Two or four screw heads or rivets with a highlight and a shadow."""
    import cv2

    height, width = face.ink.shape
    # Holes are drilled beside the characters, if not always quite.
    places = [
        (float(rng.uniform(0.05, 0.3)) * width, height * float(rng.choice([0.1, 0.5, 0.88])))
        for _ in range(5)
    ]
    aside, y = min(
        places,
        key=lambda at: (
            _ink_near(face, at, height * 0.06) + _ink_near(face, (width - at[0], at[1]), height * 0.06)
        ),
    )
    spots = [(aside, y), (width - aside, y + float(rng.uniform(-0.02, 0.02)) * height)]
    if rng.random() < 0.35 and not 0.3 < y / height < 0.7:
        spots += [(x, height - y) for x, _ in spots]
    radius = max(1.2, height * float(rng.uniform(0.022, 0.03 + 0.025 * strength)))
    head = float(rng.choice([45, 120, 185, 225]))
    for x, y in spots:
        at = (round(x * 8), round(y * 8))
        shadow = (round((x + radius * 0.3) * 8), round((y + radius * 0.5) * 8))
        size = round(radius * 8)
        cv2.circle(face.pixels, shadow, round(size * 1.15), (40.0, 40.0, 42.0), -1, cv2.LINE_AA, 3)
        cv2.circle(face.pixels, at, size, (head, head, head * 0.98), -1, cv2.LINE_AA, 3)
        shine = (round((x - radius * 0.3) * 8), round((y - radius * 0.3) * 8))
        bright = min(255.0, head + 60)
        cv2.circle(face.pixels, shine, round(size * 0.4), (bright, bright, bright), -1, cv2.LINE_AA, 3)


def _sheen(face: Face, rng: np.random.Generator, strength: float) -> None:
    """Retro-reflective sheeting and wet lacquer throw light back: a pale cloud that eats contrast."""
    height, width = face.ink.shape
    x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
    columns = np.exp(-(((np.arange(width, dtype=np.float32) - x) / (width * rng.uniform(0.12, 0.4))) ** 2))
    rows = np.exp(-(((np.arange(height, dtype=np.float32) - y) / (height * rng.uniform(0.4, 1.2))) ** 2))
    cover = (rows[:, None] * columns[None, :]).astype(np.float32)[:, :, None] * np.float32(0.62 * strength)
    face.pixels += (np.float32(250) - face.pixels) * cover


def _clear_spot(face: Face, rng: np.random.Generator, reach: float) -> tuple[float, float]:
    """Of a few random places, the one that covers the least ink."""
    height, width = face.ink.shape
    best, least = (0.0, 0.0), np.inf
    for _ in range(14):
        spot = float(rng.uniform(reach, width - reach)), float(rng.uniform(reach, height - reach))
        inked = _ink_near(face, spot, reach)
        if inked < least:
            best, least = spot, inked
    return best


def _ink_near(face: Face, spot: tuple[float, float], reach: float) -> float:
    x, y = spot
    rows = slice(max(0, int(y - reach)), int(y + reach) + 1)
    return float(face.ink[rows, max(0, int(x - reach)) : int(x + reach) + 1].sum())


#: Before the ink is put on, in this order.
WORN_INK: Mapping[str, Effect] = MappingProxyType({"wear": _wear})
#: On the finished face, in this order.
ON_FACE: Mapping[str, Effect] = MappingProxyType(
    {
        "emboss": _emboss, "fade": _fade, "sticker": _sticker, "dirt": _dirt, "scratches": _scratches,
        "bolts": _bolts, "sheen": _sheen,
    }
)  # fmt: skip


def mount(pixels: Floats, margin: int, rng: np.random.Generator, frame: float, strip: float) -> Floats:
    """The face on its mounting: RGBA with colour weighed by opacity, `margin` pixels wider on each side.

    Outside the plate lies its own soft shadow; `frame` (0..1) adds a plate holder, `strip` a dealer's strip
    with small print under (sometimes above) the plate.
    """
    height, width = pixels.shape[:2]
    size = (height + 2 * margin, width + 2 * margin)
    colour = np.zeros((*size, 3), np.float32)
    radius = max(2.0, height * float(rng.uniform(0.02, 0.09)))
    opacity = np.float32(rng.uniform(0.1, 0.45)) * _rounded_box(
        size, margin * 0.6, radius * 2, soft=margin * 0.6
    )
    # Light comes from above, so the shadow falls below.
    opacity = np.roll(opacity, round(margin * 0.25), axis=0)
    if frame > 0:
        thick = margin * min(0.9, 0.12 + 0.35 * frame * float(rng.uniform(0.4, 1.4)))
        holder = _rounded_box(size, margin - thick, radius)
        shade = np.float32(rng.choice([18, 26, 34, 160, 205]))
        relief = np.linspace(1.25, 0.8, size[0], dtype=np.float32)[:, None]
        colour += (shade * relief * holder)[:, :, None]
        opacity = np.maximum(opacity, holder)
    if strip > 0:
        _dealer_strip(colour, opacity, margin, rng)
    inside = np.pad(_rounded_box((height, width), 0, radius), margin)
    colour *= (1 - inside)[:, :, None]
    colour[margin : margin + height, margin : margin + width] += (
        pixels * inside[margin : margin + height, margin : margin + width, None]
    )
    return np.dstack([colour, np.maximum(opacity, inside)])


def _dealer_strip(colour: Floats, opacity: Floats, margin: int, rng: np.random.Generator) -> None:
    height, width = opacity.shape
    thick = round(margin * float(rng.uniform(0.45, 0.8)))
    top = height - margin if rng.random() < 0.8 else margin - thick
    columns = slice(margin, width - margin)
    shade = np.array(rng.choice([[22, 22, 24], [205, 205, 205], [30, 50, 120], [150, 20, 24]]), np.float32)
    colour[top : top + thick, columns] = shade
    opacity[top : top + thick, columns] = 1
    # Small print: too small to read, so a row of specks.
    print_rows = slice(top + thick // 3, top + max(thick // 3 + 1, thick * 2 // 3))
    middle = width // 2
    reach = round(width * float(rng.uniform(0.1, 0.3)))
    specks = clouds(rng, 1, 2 * reach, 1.6)[0] > 0.45
    colour[print_rows, middle - reach : middle + reach][:, specks] = 255 - shade


def _rounded_box(size: tuple[int, int], inset: float, radius: float, soft: float = 1.0) -> Floats:
    """A mask (0..1) of a box with round corners; its edge is `soft` pixels wide."""
    height, width = size
    reach = radius + inset
    y = np.maximum(np.abs(np.arange(height) - (height - 1) / 2) - (height / 2 - reach), 0)
    x = np.maximum(np.abs(np.arange(width) - (width - 1) / 2) - (width / 2 - reach), 0)
    distance = np.hypot(y[:, None].astype(np.float32), x[None, :].astype(np.float32))
    shown: Floats = np.clip((radius - distance) / np.float32(max(soft, 1e-3)) + np.float32(0.5), 0, 1)
    return shown


def bend(mounted: Floats, margin: int, rng: np.random.Generator, strength: float) -> Floats:
    """Bent and dented sheet: edges bulge and the surface ripples, while the four corners keep their place."""
    import cv2

    height, width = mounted.shape[:2]
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)
    across, down = (x - margin) / (width - 2 * margin), (y - margin) / (height - 2 * margin)
    reach = margin * 0.6 * strength
    arch = np.sin(np.pi * across * int(rng.integers(1, 3))) * np.float32(reach * rng.uniform(-1, 1))
    side = np.sin(np.pi * down) * np.float32(reach * rng.uniform(-1, 1))
    shade = np.cos(np.pi * across * 2 + float(rng.uniform(0, 6))) * np.float32(0.22 * strength)
    map_x = np.broadcast_to(x, (height, width)) + side[:, None]
    map_y = np.broadcast_to(y[:, None], (height, width)) + arch[None, :]
    bent = np.asarray(
        cv2.remap(mounted, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR)
    )
    bent[:, :, :3] *= (1 + shade)[None, :, None]
    return bent
