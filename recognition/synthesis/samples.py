"""Random pictures of plates with exact truth, to train and to check readers and detectors on.

A sample is drawn in steps, each with its own chance derived from the seed and the step's name: switching one
effect on or off leaves everything else of that seed as it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from recognition.synthesis.faces import Face, draw_face, inked
from recognition.synthesis.optics import IN_PICTURE, View, as_pixels, compressed
from recognition.synthesis.pose import Pose, chosen_pose, warped
from recognition.synthesis.surroundings import draw_surroundings
from recognition.synthesis.texts import Kind, PlateText, chosen_kinds, random_text
from recognition.synthesis.textures import Floats
from recognition.synthesis.typefaces import FONT_WEIGHTS, FontSet
from recognition.synthesis.wear import ON_FACE, WORN_INK, bend, mount
from recognition.types import RGB, Layout, Polygon

#: Every effect by name, and its chance at difficulty 1. At difficulty d the chance is d ** 0.5 times that.
EFFECTS: Mapping[str, float] = MappingProxyType(
    {
        # the plate
        "wear": 0.35, "emboss": 0.7, "fade": 0.35, "sticker": 0.3, "dirt": 0.5, "scratches": 0.3,
        "bolts": 0.7, "sheen": 0.3, "frame": 0.45, "strip": 0.2, "bend": 0.3,
        # where it stands in the picture
        "perspective": 1.0, "low_resolution": 0.45,
        # light, weather, camera
        "soft_shadow": 0.4, "hard_shadow": 0.25, "night": 0.15, "infrared": 0.08, "glare": 0.15,
        "rain": 0.12, "vignette": 0.3, "colour_cast": 0.5, "exposure": 0.6, "focus_blur": 0.4,
        "motion_blur": 0.35, "rolling_shutter": 0.15, "noise": 0.6, "resampling": 0.25, "jpeg": 0.7,
    }
)  # fmt: skip
#: Character heights in pixels that samples have before "low_resolution", which goes down to the least.
USUAL_HEIGHTS, LEAST_HEIGHT = (20.0, 40.0), 8.0
#: Characters' share of the plate's height, roughly, with one and with two lines.
CHARACTER_SHARE = {1: 0.66, 2: 0.36}
#: The face is drawn this much finer than it will appear, and never coarser than these heights in pixels.
_FINER, _LEAST_FACE, _MOST_FACE = 1.25, {1: 60, 2: 100}, 400


@dataclass(frozen=True, slots=True)
class PlateSample:
    """A picture of one plate, and the truth about it.

    `text` is all that a reader should read, the country mark included where the plate shows it; captions,
    band letters and stickers are no part of it. `colour` is the background's name (also in infrared, where
    no one could tell). `corners` are the metal's corners in pixels as one reads the plate: top left, top
    right, bottom right, bottom left, 0 being the outer edge of the first pixel; on a bent plate the edges
    between them bulge. `character_height` is that of the main (lower) line in pixels. `conditions` names
    the effects at work, in the order of `EFFECTS`.
    """

    image: RGB = field(repr=False)
    text: str
    layout: Layout
    colour: str
    country: str
    category: str
    corners: Polygon
    character_height: float
    conditions: tuple[str, ...]


def sample(
    seed: int,
    *,
    difficulty: float = 0.5,
    fonts: FontSet = "train",
    kinds: Collection[str] | None = None,
    layout: Layout | None = None,
    effects: Mapping[str, float] | None = None,
    character_height: float | None = None,
    context: float = 0.5,
) -> PlateSample:
    """Draw one plate; the same arguments give the same pixels.

    `difficulty` (0..1) is both how often effects are at work and how strong they may be; at 0 the plate is
    new, straight and sharp. `effects` sets single ones by name (see `EFFECTS`) to a strength (0: off); with
    difficulty 0 they are the only ones. `kinds` are names as `texts.chosen_kinds` takes them, `layout` asks
    for one layout. `character_height` fixes the height of the main line in pixels (else 20 to 40, and down
    to 8 with "low_resolution"). `context` is how much of the surroundings shows on each side, as a share of
    the plate's height, at most. Raises ValueError for names or numbers that mean nothing.
    """
    strengths = chosen_strengths(seed, difficulty, effects or {})
    plate = _plate(seed, chosen_kinds(kinds), layout)
    height = _height(seed, strengths["low_resolution"]) if character_height is None else character_height
    if not (np.isfinite(height) and height >= 1 and context >= 0):
        raise ValueError("character_height must be 1 pixel or more, and context 0 or more")
    face, mounted, margin = draw_mounted(seed, plate, fonts, height, strengths)
    pose = chosen_pose(
        chance(seed, "perspective"), face, margin, height,
        angles=strengths["perspective"], shear=strengths["rolling_shutter"], context=context,
    )  # fmt: skip
    image, view = _scene(seed, mounted, pose)
    picture = photographed(seed, image, view, strengths)
    return PlateSample(picture, plate.text, plate.layout, colour_name(plate.ground), plate.kind.country,
                       plate.kind.category, pose.corners, pose.character_height,
                       tuple(name for name in EFFECTS if strengths[name] > 0))  # fmt: skip


def sample_stream(
    seed: int,
    *,
    difficulty: float = 0.5,
    fonts: FontSet = "train",
    kinds: Collection[str] | None = None,
    layout: Layout | None = None,
    effects: Mapping[str, float] | None = None,
    character_height: float | None = None,
    context: float = 0.5,
) -> Iterator[PlateSample]:
    """Samples without end, with the arguments of `sample`; streams of different seeds share no sample."""
    number = 0
    while True:
        yield sample(
            stream_seed(seed, number), difficulty=difficulty, fonts=fonts, kinds=kinds, layout=layout,
            effects=effects, character_height=character_height, context=context,
        )  # fmt: skip
        number += 1


def stream_seed(seed: int, number: int) -> int:
    """The seed of sample `number` of a stream."""
    return (seed << 32) + number


def draw_mounted(
    seed: int, plate: PlateText, fonts: FontSet, character_height: float, strengths: Mapping[str, float]
) -> tuple[Face, Floats, int]:
    """The face with its wear, and mounted: RGBA weighed by opacity, with its margin in pixels."""
    lines = len(plate.lines)
    wanted = round(character_height * _FINER / CHARACTER_SHARE[lines])
    rng = chance(seed, "face")
    names = list(FONT_WEIGHTS[fonts])
    weights = np.array(list(FONT_WEIGHTS[fonts].values()))
    font = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    face = draw_face(plate, font, rng, min(max(wanted, _LEAST_FACE[lines]), _MOST_FACE))
    for name, effect in WORN_INK.items():
        if strengths[name] > 0:
            effect(face, chance(seed, name), strengths[name])
    face.pixels = inked(face)
    for name, effect in ON_FACE.items():
        if strengths[name] > 0:
            effect(face, chance(seed, name), strengths[name])
    margin = max(4, round(face.pixels.shape[0] * 0.16))
    mounted = mount(face.pixels, margin, chance(seed, "frame"), strengths["frame"], strengths["strip"])
    if strengths["bend"] > 0:
        mounted = bend(mounted, margin, chance(seed, "bend"), strengths["bend"])
    return face, mounted, margin


def photographed(seed: int, image: Floats, view: View, strengths: Mapping[str, float]) -> RGB:
    """The scene as the camera delivers it."""
    for name, effect in IN_PICTURE.items():
        if strengths[name] > 0:
            image = effect(image, chance(seed, name), strengths[name], view)
    pixels = as_pixels(image)
    return compressed(pixels, chance(seed, "jpeg"), strengths["jpeg"]) if strengths["jpeg"] > 0 else pixels


def colour_name(ground: str) -> str:
    """The class of a background: older Brazilian plates are grey, which in a photograph is white in shade."""
    return "white" if ground == "grey" else ground


def _scene(seed: int, mounted: Floats, pose: Pose) -> tuple[Floats, View]:
    """The mounted plate before its surroundings, in the sample's own pixels."""
    layer = warped(mounted, pose)
    behind = draw_surroundings(chance(seed, "surroundings"), *layer.shape[:2])
    opacity = layer[:, :, 3]
    image = behind * (1 - opacity[:, :, None]) + layer[:, :, :3]
    return image, View(pose.character_height, opacity)


def _plate(seed: int, kinds: tuple[Kind, ...], layout: Layout | None) -> PlateText:
    return random_text(chance(seed, "text"), kinds, layout)


def _height(seed: int, strength: float) -> float:
    low, high = np.log(USUAL_HEIGHTS)
    usual = float(chance(seed, "height").uniform(low, high))
    return float(np.exp(usual + (np.log(LEAST_HEIGHT) - usual) * min(strength, 1.0)))


def chosen_strengths(seed: int, difficulty: float, effects: Mapping[str, float]) -> dict[str, float]:
    """How strong every effect is; one that is not at work has 0. Raises ValueError for unknown names."""
    if unknown := set(effects) - set(EFFECTS):
        raise ValueError(f"No effect {sorted(unknown)}: there are {', '.join(EFFECTS)}")
    if not all(0 <= value <= 1 for value in (difficulty, *effects.values())):
        raise ValueError("Difficulty and strengths of effects lie in 0..1")
    draws = chance(seed, "strengths").random((len(EFFECTS), 2))
    strengths = {}
    for (name, likely), (happens, strong) in zip(EFFECTS.items(), draws, strict=True):
        at_work = difficulty > 0 and happens < likely * difficulty**0.5
        strengths[name] = effects.get(name, difficulty * (0.25 + 0.75 * strong) if at_work else 0.0)
    if strengths["infrared"] and "night" not in effects:
        strengths["night"] = 0.0
    return strengths


def chance(seed: int, step: str) -> np.random.Generator:
    """The generator of one step of one sample: steps do not disturb each other."""
    return np.random.default_rng([seed, zlib.crc32(step.encode())])
