"""The drawn camera: where a point of the world lands in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from recognition.types import Polygon


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera on a mast looking along the road: x to the right, y up, z ahead, in metres from its foot.

    The picture plane is upright, so that verticals stay vertical. `height` is metres above the ground.
    """

    size: tuple[int, int] = (1280, 720)
    height: float = 1.9

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.size[0] * 1300 / 1280

    @property
    def horizon(self) -> float:
        """Row of the horizon in pixels."""
        return self.size[1] * 230 / 720

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """The pixel of a world point ahead of the camera (z > 0)."""
        return self.size[0] / 2 + self.focal * x / z, self.horizon + self.focal * (self.height - y) / z

    def scale(self, z: float) -> float:
        """Pixels a metre at that distance."""
        return self.focal / z


def perspective_coefficients(target: Polygon, width: int, height: int) -> list[float]:
    """Pillow's eight coefficients that map a picture of width x height onto four target corners."""
    rows: list[list[float]] = []
    wanted: list[float] = []
    for (u, v), (x, y) in zip(target, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
        wanted += [x, y]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(wanted))]


class Billboard:
    """A flat picture with transparency, kept in halving sizes so that small copies stay smooth."""

    def __init__(self, picture: Image.Image) -> None:
        """Make the smaller copies."""
        # Colours are weighed by their opacity while scaling, else edges get dark fringes.
        self._levels = [picture.convert("RGBa")]
        while min(self._levels[-1].size) > 24:
            self._levels.append(self._levels[-1].reduce(2))

    def paste(self, scene: Image.Image, corners: Polygon) -> None:
        """Draw the picture into the RGB scene with its corners at four pixels; parts outside are cut."""
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        left, top = max(0, int(min(xs)) - 1), max(0, int(min(ys)) - 1)
        right, bottom = min(scene.width, int(max(xs)) + 2), min(scene.height, int(max(ys)) + 2)
        if right <= left or bottom <= top:
            return
        source = self._level_for(max(xs) - min(xs))
        (a, b), (c, d), (e, f), (g, h) = ((x - left, y - top) for x, y in corners)
        data = perspective_coefficients(((a, b), (c, d), (e, f), (g, h)), *source.size)
        size = (right - left, bottom - top)
        warped = source.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC)
        drawn = warped.convert("RGBA")
        scene.paste(drawn.convert("RGB"), (left, top), drawn.getchannel("A"))

    def _level_for(self, width: float) -> Image.Image:
        fitting = [level for level in self._levels if level.width >= width]
        return fitting[-1] if fitting else self._levels[0]
