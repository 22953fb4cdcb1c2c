"""What light, weather and camera do to the picture of a plate. Strengths are 0 (nothing) to 1.

Each effect takes the picture (RGB, 0..255), its own chance, a strength and the `View`, and gives the picture
back. Blurs and noise are measured in characters, since a picture of small characters stands less of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recognition.synthesis.textures import Floats, clouds, gradient, noise
from recognition.types import RGB


@dataclass(frozen=True, slots=True)
class View:
    """What effects must know: character height in pixels, and where the plate is (0..1 for each pixel)."""

    character_height: float
    plate: Floats


Effect: TypeAlias = Callable[[Floats, np.random.Generator, float, View], Floats]

_GREY = np.array([0.3, 0.59, 0.11], np.float32)


def _soft_shadow(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Uneven light: one part of the picture in a soft shade."""
    field = gradient(rng, view.plate.shape[0], view.plate.shape[1], 1 - 0.75 * strength, 1.0)
    return image * field[:, :, None]


def _hard_shadow(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """The edge of a bumper or a branch between sun and plate."""
    height, width = view.plate.shape
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.25, 0.75) * height
    turn = float(rng.choice([0.5, 1.5])) * np.pi + float(rng.normal(0, 0.5))
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    distance = (columns - np.float32(x)) * np.float32(np.cos(turn)) + (rows - np.float32(y)) * np.float32(
        np.sin(turn)
    )
    edge = max(0.7, view.character_height * float(rng.uniform(0.03, 0.12)))
    dark: Floats = np.clip(distance / np.float32(edge) + np.float32(0.5), 0, 1).astype(np.float32)
    dark *= np.float32(0.3 + 0.4 * strength)
    # Shade is bluer than sun.
    tint = np.array([1.0, 0.97, 0.9], np.float32)
    shown: Floats = image * (np.float32(1) - dark[:, :, None] * tint)
    return shown


def _night(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Dark around, the plate lit by a lamp or headlights, warm or cold."""
    around = np.float32(1 - strength * rng.uniform(0.7, 0.92))
    lit = np.float32(1 - strength * rng.uniform(0.05, 0.6))
    field = around + (lit - around) * view.plate
    lamp = np.array([1.0, rng.uniform(0.78, 1.0), rng.uniform(0.55, 1.05)], np.float32)
    shown: Floats = image * field[:, :, None] * (1 + (lamp - 1) * np.float32(strength))
    return shown


def _infrared(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """An infrared lamp: no colour, the sheeting shines, everything else is nearly black."""
    grey = np.float32(0.5) * (image @ _GREY) + np.float32(0.5) * image.max(axis=2)
    around = np.float32(1 - strength * rng.uniform(0.75, 0.95))
    lit = np.float32(1 + 0.3 * strength * rng.uniform(-1, 1))
    grey = grey * (around + (lit - around) * view.plate)
    tint = np.ones(3, np.float32) if rng.random() < 0.7 else rng.uniform(0.75, 1.0, 3).astype(np.float32)
    share = np.float32(min(1.0, 0.4 + strength))
    shown: Floats = image + (grey[:, :, None] * tint - image) * share
    return shown


def _glare(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """A lamp or the sun in the lens: a white bloom and less contrast everywhere."""
    height, width = view.plate.shape
    x, y = rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * height
    reach = float(rng.uniform(0.25, 0.8)) * height
    columns = np.exp(-(((np.arange(width, dtype=np.float32) - x) / (reach * rng.uniform(1, 2))) ** 2))
    rows = np.exp(-(((np.arange(height, dtype=np.float32) - y) / reach) ** 2))
    bloom = (rows[:, None] * columns[None, :]).astype(np.float32) * np.float32(0.75 * strength)
    cover = np.maximum(bloom, np.float32(0.25 * strength * rng.random()))[:, :, None]
    shown: Floats = image + (np.float32(255) - image) * cover
    return shown


def _rain(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Streaks of falling drops, drops on the lens, and haze."""
    import cv2

    height, width = view.plate.shape
    streaks = np.zeros((height, width), np.float32)
    slant = float(rng.uniform(-0.35, 0.35))
    for _ in range(round(height * width / 1600 * (0.3 + 1.7 * strength)) + 1):
        x, y = int(rng.integers(width)), int(rng.integers(-10, height))
        length = float(rng.uniform(0.5, 1.4)) * view.character_height
        end = (round(x + slant * length), round(y + length))
        cv2.line(streaks, (x, y), end, float(rng.uniform(0.1, 0.15 + 0.35 * strength)), 1, cv2.LINE_AA)
    streaks = np.asarray(cv2.GaussianBlur(streaks, (0, 0), 0.7), dtype=np.float32)
    rainy = image + (np.float32(215) - image) * streaks[:, :, None]
    haze = np.float32(0.3 * strength)
    rainy = rainy + (rainy.mean() * np.float32(1.1) - rainy) * haze
    drops = np.clip((clouds(rng, height, width, view.character_height * 0.35) - 0.9) * 14, 0, 1)[:, :, None]
    blurred = np.asarray(cv2.GaussianBlur(rainy, (0, 0), max(0.6, view.character_height * 0.07)))
    out: Floats = rainy + (blurred * np.float32(1.08) - rainy) * drops * np.float32(min(1.0, 0.3 + strength))
    return out


def _vignette(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Darker towards the corners, about a centre somewhere near."""
    height, width = view.plate.shape
    x = (np.arange(width, dtype=np.float32) / width - np.float32(rng.uniform(0.3, 0.7))) * 1.4
    y = (np.arange(height, dtype=np.float32) / height - np.float32(rng.uniform(0.3, 0.7))) * 1.4
    shown: Floats = (
        image
        * (1 - np.float32(0.6 * strength) * np.minimum(x[None, :] ** 2 + y[:, None] ** 2, 1))[:, :, None]
    )
    return shown


def _colour_cast(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """White balance gone wrong; sometimes nearly no colour."""
    cast = 1 + rng.uniform(-0.3, 0.3, 3).astype(np.float32) * np.float32(strength)
    tinted = image * cast
    saturation = np.float32(1 + strength * rng.uniform(-0.7, 0.4))
    grey = (tinted @ _GREY)[:, :, None]
    return grey + (tinted - grey) * saturation


def _exposure(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Too dark or too bright, flat or hard, with the sensor's clipping."""
    gain = np.float32(np.exp(strength * rng.uniform(-0.8, 0.4)))
    contrast = np.float32(1 - strength * rng.uniform(-0.15, 0.5))
    lift = np.float32(strength * rng.uniform(-12, 25))
    middle = np.float32(128) * gain
    shown: Floats = np.clip(
        (image * gain - middle) * contrast + middle * (0.5 + 0.5 * contrast) + lift, 0, 255
    )
    return shown


def _focus_blur(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Out of focus: up to an eighth of a character."""
    import cv2

    sigma = view.character_height * 0.125 * strength * float(rng.uniform(0.6, 1.0))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.25, sigma)), dtype=np.float32)


def _motion_blur(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """The vehicle moves while the shutter is open: mostly sideways, up to a third of a character."""
    import cv2

    length = max(1.0, view.character_height * 0.36 * strength * float(rng.uniform(0.6, 1.0)))
    turn = float(rng.normal(0, 0.35)) + (np.pi / 2 if rng.random() < 0.25 else 0.0)
    size = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((size, size), np.float32)
    reach = length / 2
    middle = (size // 2) * 16
    dx, dy = round(np.cos(turn) * reach * 16), round(np.sin(turn) * reach * 16)
    cv2.line(kernel, (middle - dx, middle - dy), (middle + dx, middle + dy), 1.0, 1, cv2.LINE_AA, 4)
    kernel /= max(float(kernel.sum()), 1e-6)
    return np.asarray(cv2.filter2D(image, -1, kernel), dtype=np.float32)


def _flicker(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Bands of brightness: lamps on the mains under a shutter that runs down the rows."""
    height = view.plate.shape[0]
    period = height * float(rng.uniform(0.4, 1.5))
    rows = np.sin(
        np.arange(height, dtype=np.float32) * np.float32(2 * np.pi / period) + float(rng.uniform(0, 6))
    )
    shown: Floats = image * (1 - np.float32(0.18 * strength) * (1 + rows))[:, None, None]
    return shown


def _noise(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """Grain of a dim scene: shot noise that grows with brightness, read noise, colour specks."""
    import cv2

    height, width = view.plate.shape
    sigma = 26 * strength * min(1.0, view.character_height / 18)
    grain = noise(rng, height, width)
    chroma = np.float32(rng.uniform(0.15, 0.8))
    grain = grain[:, :, :1] * (1 - chroma) + grain * chroma
    if rng.random() < 0.5 and view.character_height > 16:
        # Cameras smooth noise before they compress, which makes blotches of it.
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8), dtype=np.float32) * np.float32(2.0)
    level = np.sqrt(np.maximum(image.mean(axis=2, keepdims=True), 4) / np.float32(160))
    shown: Floats = image + grain * (np.float32(sigma) * (np.float32(0.4) + np.float32(0.6) * level))
    return shown


def _resampling(image: Floats, rng: np.random.Generator, strength: float, view: View) -> Floats:
    """A digital zoom or a stretched stream: fewer pixels than there seem to be (not under 8 a character)."""
    import cv2

    height, width = view.plate.shape
    share = max(1 / (1 + 1.2 * strength), min(1.0, 8 / view.character_height))
    small = (max(2, round(width * share)), max(2, round(height * share)))
    way_back = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST], p=[0.45, 0.45, 0.1]))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=way_back), dtype=np.float32)


#: In the order in which light and electronics work. "jpeg" is last of all (see `compressed`).
IN_PICTURE: Mapping[str, Effect] = MappingProxyType(
    {
        "soft_shadow": _soft_shadow, "hard_shadow": _hard_shadow, "night": _night, "infrared": _infrared,
        "glare": _glare, "rain": _rain, "vignette": _vignette, "colour_cast": _colour_cast,
        "exposure": _exposure, "focus_blur": _focus_blur, "motion_blur": _motion_blur,
        "rolling_shutter": _flicker, "noise": _noise, "resampling": _resampling,
    }
)  # fmt: skip


def as_pixels(image: Floats) -> RGB:
    """The picture in 8 bits."""
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def compressed(image: RGB, rng: np.random.Generator, strength: float) -> RGB:
    """The picture through JPEG: quality 92 at strength 0, down to 18 at 1."""
    import cv2

    quality = round(92 - 74 * strength * float(rng.uniform(0.6, 1.0)))
    # Channel order does not matter to a round trip except for JPEG's luma weights, so swap.
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: NDArray[np.uint8] = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(decoded[:, :, ::-1])
