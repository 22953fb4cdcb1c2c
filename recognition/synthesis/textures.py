"""Stored chance: noise and cloud patterns that samples cut pieces from, since fresh noise is slow.

Cutting at a random place, turned at random, is as good as drawing anew and a hundred times faster.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: A picture or mask of real numbers; pictures are H x W x 3 in 0..255.
Floats: TypeAlias = NDArray[np.float32]

_BANK = 768


@cache
def _noise_bank() -> Floats:
    return np.random.default_rng(20140313).standard_normal((_BANK, _BANK, 3), dtype=np.float32)


@cache
def _cloud_bank(grain: float) -> Floats:
    """Noise smoothed to blobs of `grain` pixels, spread evenly over 0..1."""
    import cv2

    rng = np.random.default_rng([19981210, int(grain * 10)])
    raw = rng.standard_normal((_BANK, _BANK), dtype=np.float32)
    smooth = np.asarray(cv2.GaussianBlur(raw, (0, 0), grain), dtype=np.float32)
    ranks = np.empty(smooth.size, np.float32)
    ranks[np.argsort(smooth, axis=None)] = np.linspace(0, 1, smooth.size, dtype=np.float32)
    return ranks.reshape(smooth.shape)


def noise(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Normal noise of deviation 1, height x width x 3."""
    return _cut(_noise_bank(), rng, height, width)


def clouds(rng: np.random.Generator, height: int, width: int, grain: float) -> Floats:
    """Smooth blobs with even values in 0..1, height x width; `grain` is their radius in pixels.

    Radii are rounded to a few, so that few patterns have to be kept.
    """
    steps = (0.8, 1.6, 3.0, 6.0, 12.0, 24.0)
    nearest = min(steps, key=lambda step: abs(np.log(step / max(grain, 0.1))))
    return _cut(_cloud_bank(nearest), rng, height, width)


def gradient(rng: np.random.Generator, height: int, width: int, low: float, high: float) -> Floats:
    """A soft field with values between low and high, from a few random points."""
    import cv2

    grid = rng.uniform(low, high, (2, 3)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _cut(bank: Floats, rng: np.random.Generator, height: int, width: int) -> Floats:
    tiles = (-(-height // bank.shape[0]), -(-width // bank.shape[1]))
    if tiles != (1, 1):
        bank = np.tile(bank, (*tiles, *([1] * (bank.ndim - 2))))
    top = int(rng.integers(bank.shape[0] - height + 1))
    left = int(rng.integers(bank.shape[1] - width + 1))
    piece = bank[top : top + height, left : left + width]
    return piece[:, ::-1] if rng.random() < 0.5 else piece
