"""The place: an asphalt road between laterite verges, palms and low houses under a hazy sky."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from recognition.synthesis.camera import Camera
from recognition.synthesis.strokes import Colour, mix

#: Edges of the asphalt and the middle of its two lanes, metres right of the camera.
ROAD_LEFT, ROAD_RIGHT = -3.3, 3.3
_HAZE: Colour = (206, 214, 214)
_FAR = 400.0


def draw_road(camera: Camera, rng: np.random.Generator) -> Image.Image:
    """The empty scene as an RGB picture of the camera's size."""
    pixels = _sky(camera, rng)
    _ground(pixels, camera, rng)
    scene = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    _tree_line(scene, camera, rng)
    for z in (95.0, 62.0, 40.0):
        for side in (-1, 1):
            _roadside(scene, camera, rng, side, z + float(rng.uniform(-6, 6)))
    _poles(scene, camera)
    return scene


def smooth_noise(
    shape: tuple[int, int], cells: int, rng: np.random.Generator, stretch: float = 1.0
) -> NDArray[np.float32]:
    """Soft noise in -1..1 with about `cells` blobs across, `stretch` times wider than high."""
    height, width = shape
    coarse = (
        rng.random((max(2, round(stretch * cells * height / width)), max(2, cells))).astype(np.float32) * 2
        - 1
    )
    picture = Image.fromarray(coarse, mode="F").resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float32)


def _sky(camera: Camera, rng: np.random.Generator) -> NDArray[np.float32]:
    width, height = camera.size
    share = np.clip(np.arange(height) / camera.horizon, 0, 1)[:, None, None] ** 0.8
    sky = np.array((112, 160, 204)) * (1 - share) + np.array((222, 228, 226)) * share
    pixels = np.repeat(sky.astype(np.float32), width, axis=1)
    layers = ((4, 0.5), (9, 0.3), (20, 0.16), (44, 0.1), (90, 0.05))
    clouds = np.zeros((height, width), dtype=np.float32)
    for cells, part in layers:
        clouds += part * smooth_noise((height, width), cells, rng, 5.0)
    cover = np.clip((clouds + 0.02) * 2.6, 0, 0.8)[:, :, None]
    clouded: NDArray[np.float32] = pixels * (1 - cover) + np.array((246, 246, 244), dtype=np.float32) * cover
    return clouded


def _ground(pixels: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> None:
    """Paint everything below the horizon: each pixel knows its place (x, z) on the ground."""
    width, height = camera.size
    rows = np.arange(int(camera.horizon) + 1, height)
    z = (camera.focal * camera.height / (rows - camera.horizon)).astype(np.float32)[:, None]
    x = ((np.arange(width) - width / 2)[None, :] * z / camera.focal).astype(np.float32)
    shape = (len(rows), width)
    coarse = _ground_noise(x, z, 0.35, rng)
    fine = _ground_noise(x, z, 6.0, rng) * np.clip(14 / z, 0, 1)
    grain = rng.normal(0, 1, shape).astype(np.float32) * np.clip(9 / z, 0.15, 1)
    tone = 6 * coarse + 5 * fine + 4 * grain
    laterite = np.array((172, 106, 70), dtype=np.float32)
    ground = laterite + (2.2 * tone)[:, :, None]
    grass = np.clip((np.abs(x) - 6.5) * 0.5 + 2 * coarse, 0, 1)[:, :, None]
    ground = (
        ground * (1 - grass) + (np.array((112, 118, 62), dtype=np.float32) + (2.4 * tone)[:, :, None]) * grass
    )
    asphalt = np.array((112, 110, 108), dtype=np.float32) + tone[:, :, None]
    asphalt -= (9 * _wheel_tracks(x))[:, :, None]
    # Red dust blown over the ragged edge of the asphalt.
    edge = np.clip((3.3 - np.abs(x) + 0.22 * coarse + 0.1 * fine) / 0.35, 0, 1)[:, :, None]
    ground = ground * (1 - edge) + asphalt * edge
    paint = _markings(x, z, fine, coarse)[:, :, None]
    ground = ground * (1 - paint) + np.array((222, 220, 208), dtype=np.float32) * paint
    haze = (1 - np.exp(-z / 130))[:, :, None]
    pixels[rows[0] :] = ground * (1 - haze) + np.array(_HAZE, dtype=np.float32) * haze


def _ground_noise(
    x: NDArray[np.float32], z: NDArray[np.float32], per_metre: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Value noise fixed to the ground, blended between lattice points: -1..1."""
    lattice = (rng.random((256, 256)) * 2 - 1).astype(np.float32)
    u, v = x * per_metre, np.broadcast_to(z * per_metre, x.shape)
    i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    a, b = u - i, v - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    top = lattice[i % 256, j % 256] * (1 - a) + lattice[(i + 1) % 256, j % 256] * a
    low = lattice[i % 256, (j + 1) % 256] * (1 - a) + lattice[(i + 1) % 256, (j + 1) % 256] * a
    blended: NDArray[np.float32] = (top * (1 - b) + low * b).astype(np.float32)
    return blended


def _wheel_tracks(x: NDArray[np.float32]) -> NDArray[np.float32]:
    lanes = np.abs(np.abs(x) - 1.6)
    return np.exp(-(((lanes - 0.75) / 0.28) ** 2)).astype(np.float32)


def _markings(
    x: NDArray[np.float32], z: NDArray[np.float32], fine: NDArray[np.float32], coarse: NDArray[np.float32]
) -> NDArray[np.float32]:
    dashes = (np.abs(x) < 0.06) & (np.mod(z, 7.0) < 3.2)
    edges = np.abs(np.abs(x) - 3.0) < 0.05
    worn = np.clip(0.75 + 0.35 * fine + 0.35 * coarse, 0.1, 0.9)
    return np.where(dashes | edges, worn, 0).astype(np.float32)


def _tree_line(scene: Image.Image, camera: Camera, rng: np.random.Generator) -> None:
    """Bushes on the horizon: three depths of leafy outline, each paler the farther it stands."""
    width = scene.width
    away = np.abs(np.arange(width) - width / 2) / width
    pixels = np.asarray(scene, dtype=np.float32).copy()
    rows = np.arange(scene.height, dtype=np.float32)[:, None]
    leaves = smooth_noise((scene.height, width), 330, rng)
    for depth, colour in enumerate(((158, 174, 164), (120, 142, 118), (92, 114, 82))):
        outline = np.full(width, 9 + 5 * depth, dtype=np.float32)
        for cells, high in ((14, 4.0), (50, 3.0), (190, 2.0)):
            outline += high * smooth_noise((2, width), cells, rng)[0]
        # Trees stand back where the road leaves the picture.
        outline = outline * np.clip((away - 0.015 - 0.02 * depth) * 30, 0, 1)
        top, foot = camera.horizon - outline[None, :], camera.horizon + 2 + 2.0 * depth
        cover = np.clip(rows - top + 1.4 * leaves, 0, 1) * np.clip(foot - rows + 1.5 * leaves, 0, 1)
        cover = (cover * np.clip(outline[None, :], 0, 1))[:, :, None]
        shade = (leaves * (5 + 4 * depth) - np.clip(rows - top, 0, 14) * depth * 0.8)[:, :, None]
        pixels = pixels * (1 - cover) + (np.array(colour, dtype=np.float32) + shade) * cover
    scene.paste(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))


def _roadside(scene: Image.Image, camera: Camera, rng: np.random.Generator, side: int, z: float) -> None:
    """A palm, and sometimes a house, on one side of the road at a distance of z metres."""
    if rng.random() < 0.75:
        _house(scene, camera, rng, side * float(rng.uniform(10, 14)), z + 8)
    _palm(scene, camera, rng, side * float(rng.uniform(5.8, 8.5)), z)


def _house(scene: Image.Image, camera: Camera, rng: np.random.Generator, x: float, z: float) -> None:
    haze = 1 - float(np.exp(-z / 130))
    walls: tuple[Colour, ...] = ((208, 188, 150), (188, 150, 122), (196, 200, 188), (170, 184, 190))
    wall = mix(walls[int(rng.integers(len(walls)))], _HAZE, haze)
    roof = mix((120, 84, 66), _HAZE, haze)
    dark = mix((66, 60, 54), _HAZE, haze)
    half, height = 4.2, 3.1
    draw = ImageDraw.Draw(scene)

    def area(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float, float, float]:
        (left, bottom), (right, top) = camera.project(x + x1, y1, z), camera.project(x + x2, y2, z)
        return left, top, right, bottom

    draw.rectangle(area(-half, 0, half, height), fill=wall)
    draw.rectangle(area(-half, 0, half, 0.5), fill=mix(wall, (150, 90, 60), 0.5))
    gable = ((-half - 0.5, height), (half + 0.5, height), (half - 0.3, 4.2), (-half + 0.3, 4.2))
    draw.polygon([camera.project(x + dx, y, z) for dx, y in gable], fill=roof)
    draw.rectangle(area(-half, height - 0.25, half, height), fill=mix(wall, (0, 0, 0), 0.3))
    draw.rectangle(area(-0.6, 0, 0.6, 2.2), fill=dark)
    for at in (-2.7, 2.7):
        draw.rectangle(area(at - 0.6, 1.1, at + 0.6, 2.1), fill=dark)


def _palm(scene: Image.Image, camera: Camera, rng: np.random.Generator, x: float, z: float) -> None:
    haze = 1 - float(np.exp(-z / 130))
    trunk, leaf = mix((122, 104, 84), _HAZE, haze), mix((58, 92, 48), _HAZE, haze)
    height, lean = float(rng.uniform(6.5, 9.0)), float(rng.uniform(-0.6, 0.6))
    scale = camera.scale(z)
    # Drawn at twice the size, then halved: thin leaves need smooth edges.
    foot, crown = camera.project(x, 0, z), camera.project(x + lean, height, z)
    left, top = int(min(foot[0], crown[0]) - 3.6 * scale), int(crown[1] - 2.2 * scale)
    size = (int(7.2 * scale + abs(crown[0] - foot[0])) + 2, int(foot[1] - top) + 3)
    layer = Image.new("RGBA", (size[0] * 2, size[1] * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    fx, fy = (foot[0] - left) * 2, (foot[1] - top) * 2
    cx, cy = (crown[0] - left) * 2, (crown[1] - top) * 2
    draw.ellipse(
        (fx - 2.4 * scale, fy - 0.35 * scale, fx + 2.4 * scale, fy + 0.35 * scale), fill=(60, 40, 28, 70)
    )
    bend = ((fx + cx) / 2 - 0.5 * lean * scale, (fy + cy) / 2)
    draw.line(
        [(fx, fy), bend, (cx, cy)], fill=(*trunk, 255), width=max(2, round(0.55 * scale)), joint="curve"
    )
    for angle in np.linspace(-0.4, np.pi + 0.4, 15):
        turned = float(angle) + float(rng.uniform(-0.12, 0.12))
        length = 2 * scale * float(rng.uniform(2.4, 3.1))
        _frond(draw, (cx, cy), turned, length, mix(leaf, (150, 160, 80), float(rng.uniform(0, 0.35))))
    scene.paste(layer.convert("RGB").reduce(2), (left, top), layer.getchannel("A").reduce(2))


def _frond(
    draw: ImageDraw.ImageDraw, crown: tuple[float, float], angle: float, length: float, colour: Colour
) -> None:
    """One drooping leaf: a rib with leaflets hanging from it."""
    rib = []
    for t in np.linspace(0, 1, 26):
        x = crown[0] + np.cos(angle) * length * t
        y = crown[1] - np.sin(angle) * length * 0.62 * t + 0.75 * length * t**2.2
        rib.append((float(x), float(y)))
    draw.line(rib, fill=(*colour, 255), width=max(1, round(length / 38)))
    for index, (x, y) in enumerate(rib[1:], start=1):
        hang = length * 0.17 * (1 - 0.6 * index / len(rib))
        for slant in (-0.5, 0.5):
            draw.line(
                [(x, y), (x + slant * hang, y + hang)], fill=(*colour, 255), width=max(1, round(length / 45))
            )


def _poles(scene: Image.Image, camera: Camera) -> None:
    """Power poles on the right with sagging wires."""
    draw = ImageDraw.Draw(scene)
    tops = []
    for z in (120.0, 84.0, 52.0, 30.0, 17.0):
        colour = mix((84, 78, 72), _HAZE, 1 - float(np.exp(-z / 130)))
        foot, top = camera.project(5.2, 0, z), camera.project(5.2, 7.5, z)
        draw.line([foot, top], fill=colour, width=max(1, round(0.2 * camera.scale(z))))
        arm = [camera.project(5.2 + dx, 7.2, z) for dx in (-0.8, 0.8)]
        draw.line([*arm], fill=colour, width=max(1, round(0.1 * camera.scale(z))))
        tops.append((arm, colour))
    for (near, colour), (far, _) in zip(tops[1:], tops, strict=False):
        for (x1, y1), (x2, y2) in zip(near, far, strict=True):
            sag = [(x1 + (x2 - x1) * t, y1 + (y2 - y1) * t + 0.12 * abs(x2 - x1) * 4 * t * (1 - t))
                   for t in np.linspace(0, 1, 9)]  # fmt: skip
            draw.line([(float(x), float(y)) for x, y in sag], fill=colour, width=1)
