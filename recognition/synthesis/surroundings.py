"""What lies around a plate in a close crop: bodywork, grilles, bumpers, wheels, road. Drawn, not copied."""

from __future__ import annotations

import numpy as np

from recognition.synthesis.textures import Floats, clouds, gradient

_PAINTS = np.array(
    [[168, 26, 34], [34, 62, 118], [186, 190, 192], [232, 232, 228], [36, 38, 42], [54, 92, 78],
     [150, 132, 104], [226, 176, 36], [110, 112, 116], [20, 20, 22], [120, 30, 40], [90, 140, 190]],
    np.float32,
)  # fmt: skip


def draw_surroundings(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A picture of one of several kinds of surroundings, H x W x 3."""
    kind = rng.random()
    if kind < 0.45:
        return _bodywork(rng, height, width)
    if kind < 0.65:
        return _grille(rng, height, width)
    if kind < 0.8:
        return _ground(rng, height, width)
    return _clutter(rng, height, width)


def _bodywork(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Paint in soft light with a bright reflection, a crease and a dark gap below."""
    paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
    light = gradient(rng, height, width, 0.55, 1.15)
    rows = np.arange(height, dtype=np.float32) / height
    shine = np.exp(-(((rows - rng.uniform(-0.1, 0.5)) / rng.uniform(0.04, 0.2)) ** 2)) * rng.uniform(0, 90)
    picture = paint * light[:, :, None] + shine.astype(np.float32)[:, None, None]
    if rng.random() < 0.5:
        _line(picture, rng, float(rng.uniform(0.55, 0.85)))
    if rng.random() < 0.5:
        top = int(height * rng.uniform(0.75, 0.98))
        picture[top:] *= np.float32(rng.uniform(0.15, 0.5))
    shown: Floats = picture
    return shown


def _grille(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Dark slats, level or upright, with lit edges, in a painted surround."""
    picture = np.full((height, width, 3), rng.uniform(12, 40), np.float32)
    level = rng.random() < 0.7
    length = height if level else width
    period = max(3.0, length * float(rng.uniform(0.08, 0.25)))
    wave = np.sin(np.arange(length, dtype=np.float32) * np.float32(2 * np.pi / period)) > rng.uniform(0, 0.8)
    shade = np.where(wave, np.float32(rng.uniform(30, 130)), np.float32(0))
    picture += shade[:, None, None] if level else shade[None, :, None]
    if rng.random() < 0.6:
        paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
        edge = int(height * rng.uniform(0.05, 0.3))
        picture[:edge] = paint * np.float32(rng.uniform(0.6, 1.1))
    return picture * gradient(rng, height, width, 0.6, 1.1)[:, :, None]


def _ground(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Asphalt, laterite or a tyre: a grainy surface."""
    base = np.array([[96, 94, 92], [150, 92, 58], [40, 40, 42], [128, 122, 108]], np.float32)
    grain = clouds(rng, height, width, 1.6) * 40 - 20
    patches = clouds(rng, height, width, 24.0) * 50 - 25
    shown: Floats = base[int(rng.integers(4))] + (grain + patches)[:, :, None]
    return shown


def _clutter(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Parts of a motorcycle or of the street out of focus: patches of colour and a few bars."""
    import cv2

    cells = (int(rng.integers(3, 6)), int(rng.integers(3, 8)))
    small = rng.uniform(10, 190, (*cells, 1)) * rng.uniform(0.85, 1.1, 3) + rng.normal(0, 14, (*cells, 3))
    small = small.astype(np.float32)
    picture = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    for _ in range(int(rng.integers(0, 5))):
        _line(picture, rng, float(rng.choice([0.25, 0.6, 1.5])))
    return np.clip(picture, 0, 255)


def _line(picture: Floats, rng: np.random.Generator, share: float) -> None:
    """A crease or a bar: darker or lighter by `share`, across the picture."""
    import cv2

    height, width = picture.shape[:2]
    cover = np.zeros((height, width), np.float32)
    ends = rng.uniform(0, 1, 2) * height
    if rng.random() < 0.75:
        first, last = (0, round(float(ends[0]))), (width, round(float(ends[1])))
    else:
        first, last = (round(float(rng.uniform(0, width))), 0), (round(float(rng.uniform(0, width))), height)
    cv2.line(cover, first, last, 1.0, max(1, round(height * float(rng.uniform(0.01, 0.08)))), cv2.LINE_AA)
    picture *= (1 + (np.float32(share) - 1) * cover)[:, :, None]
