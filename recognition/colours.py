"""The background colour of a plate, measured on its pixels."""

import numpy as np
from numpy.typing import NDArray

from recognition.types import RGB

#: Hue ranges in degrees on the colour circle; red lies on both sides of 0.
_HUES = (("red", 0, 15), ("orange", 15, 42), ("yellow", 42, 70), ("green", 70, 170), ("blue", 170, 260))
_HUES_END = (("red", 335, 361),)
#: Below this saturation a pixel counts as grey: white or black by its brightness.
_GREY = 0.32
#: A grey pixel darker than this share of the plate's brightest pixels counts as black.
_DARK = 0.5
#: The background must fill this much of the plate to be named.
_ENOUGH = 0.38
#: Black must fill more: a detector's box holds dark bodywork, and the characters of a white plate are dark;
#: white characters leave a black plate about two thirds dark.
_ENOUGH_BLACK = 0.62
#: Channels that differ by this or less, of 255, make no colour: JPEG leaves as much on a grey picture.
_COLOURLESS = 8


def plate_colour(crop: RGB) -> str:
    """Name of the background: white, yellow, orange, blue, red, black or green; "" when none prevails.

    `crop` is the plate without its surroundings (H x W x 3). The outer tenth is left out: there lie frame
    and bodywork. Characters cover less than the background does, so the commonest class is the background.
    """
    height, width = crop.shape[:2]
    inner = crop[height // 10 : max(1, height - height // 10), width // 10 : max(1, width - width // 10)]
    if inner.size == 0:
        return ""
    hue, saturation, value = _hsv(inner.reshape(-1, 3).astype(np.float32) / np.float32(255))
    bright = float(np.percentile(value, 95))
    # Dark pixels carry no reliable hue.
    grey = (saturation < _GREY) | (value < 0.18 * bright)
    counts = {
        "white": int(np.count_nonzero(grey & (value >= _DARK * bright))),
        "black": int(np.count_nonzero(grey & (value < _DARK * bright))),
    }
    for name, low, high in (*_HUES, *_HUES_END):
        inside = ~grey & (hue >= low) & (hue < high)
        counts[name] = counts.get(name, 0) + int(np.count_nonzero(inside))
    if counts["black"] < _ENOUGH_BLACK * value.size:
        del counts["black"]
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= _ENOUGH * value.size else ""


def is_monochrome(image: RGB) -> bool:
    """Whether a picture (H x W x 3) has no colour at all, as those of an infrared camera at night."""
    step = max(1, max(image.shape[:2]) // 100)
    sampled = image[::step, ::step].astype(np.int16)
    spread = sampled.max(axis=2) - sampled.min(axis=2)
    return bool(np.percentile(spread, 99) <= _COLOURLESS)


def _hsv(
    pixels: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Hue in degrees, saturation and value in 0..1, of N x 3 pixels in 0..1."""
    red, green, blue = pixels[:, 0], pixels[:, 1], pixels[:, 2]
    value = pixels.max(axis=1)
    chroma = value - pixels.min(axis=1)
    safe = np.where(chroma > 0, chroma, 1)
    hue = np.select(
        [value == red, value == green],
        [((green - blue) / safe) % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    saturation = np.where(value > 0, chroma / np.where(value > 0, value, 1), 0)
    return (hue * 60).astype(np.float32), saturation.astype(np.float32), value
