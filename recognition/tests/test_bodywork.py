"""Colours of drawn cars in several lights; honest silence at night and where nothing is to be seen."""

import numpy as np
import pytest
from PIL import Image

from recognition.bodywork import vehicle_colour
from recognition.boxes import around
from recognition.synthesis import car, motorcycle
from recognition.synthesis.camera import Billboard, Camera
from recognition.synthesis.plate import draw_plate
from recognition.synthesis.scene import Faults, Placed, background
from recognition.types import RGB, Box, ObjectKind, Polygon, SeenObject

SIZE = (640, 360)
CAMERA = Camera(SIZE)
#: What may be said of each paint; "" may be said of any but the clear ones.
PAINTS = {
    (168, 26, 34): {"red"},
    (34, 62, 118): {"blue"},
    (226, 176, 36): {"yellow"},
    (232, 232, 228): {"white"},
    (186, 190, 192): {"grey", "white", ""},
    (110, 112, 116): {"grey", ""},
    (36, 38, 42): {"black", ""},
    (54, 92, 78): {"green", "grey", ""},
    (150, 132, 104): {"beige", "grey", ""},
    (214, 98, 28): {"orange"},
    (92, 60, 40): {"brown", ""},
}
LIGHTS = {"day": (1.0, 1.0, 1.0), "warm": (1.12, 1.0, 0.82), "cold": (0.86, 1.0, 1.12)}


def corners_of(placed: Placed, left: float, bottom: float, right: float, top: float) -> Polygon:
    at = [CAMERA.project(placed.x + x, y, placed.z) for x, y in
          ((left, top), (right, top), (right, bottom), (left, bottom))]  # fmt: skip
    return at[0], at[1], at[2], at[3]


def on_the_road(
    drawn: Image.Image, outline: tuple[float, float, float, float], body: tuple[float, float]
) -> tuple[RGB, Box]:
    """The picture of a vehicle six metres away, and its box; `body` is half its width and its height."""
    placed = Placed(-1.1, 6)
    scene = background(SIZE, 4).copy()
    Billboard(drawn).paste(scene, corners_of(placed, *outline))
    pixels = Faults(SIZE, np.random.default_rng(1)).apply(scene, 0)
    return pixels, around([corners_of(placed, -body[0], 0, body[0], body[1])])


def drawn_car(paint: tuple[int, int, int]) -> tuple[RGB, SeenObject, Box]:
    outline = (-car.HALF_WIDTH, car.BOTTOM, car.HALF_WIDTH, car.TOP)
    pixels, box = on_the_road(car.draw_car(draw_plate("BB6232RB"), paint, 280), outline, (0.93, 1.48))
    plate = around([corners_of(Placed(-1.1, 6), -0.26, 0.415, 0.26, 0.525)])
    return pixels, SeenObject("car", 0.8, box), plate


def seen_in(light: tuple[float, float, float], image: RGB) -> RGB:
    pixels: RGB = np.clip(image * np.array(light), 0, 255).astype(np.uint8)
    return pixels


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("paint", PAINTS)
def test_every_paint_in_every_light_is_named_or_left_open(paint: tuple[int, int, int], light: str) -> None:
    image, vehicle, plate = drawn_car(paint)
    assert vehicle_colour(seen_in(LIGHTS[light], image), vehicle, plate).name in PAINTS[paint]


@pytest.mark.parametrize("paint", [(168, 26, 34), (232, 232, 228)])
def test_infrared_and_night_tell_no_colour(paint: tuple[int, int, int]) -> None:
    image, vehicle, plate = drawn_car(paint)
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert vehicle_colour(grey, vehicle, plate).name == ""
    assert vehicle_colour((image * 0.12).astype(np.uint8), vehicle, plate).name == ""


def test_a_motorcycle_is_not_guessed_at_by_its_rider() -> None:
    drawn = motorcycle.draw_motorcycle(draw_plate("2A9402RB"), (236, 190, 40), (30, 60, 140), 350)
    outline = (-motorcycle.HALF_WIDTH, motorcycle.BOTTOM, motorcycle.HALF_WIDTH, motorcycle.TOP)
    image, box = on_the_road(drawn, outline, (0.45, 1.8))
    plate = around([corners_of(Placed(-1.1, 6), -0.12, 0.54, 0.12, 0.7)])
    assert vehicle_colour(image, SeenObject("motorcycle", 0.8, box), plate).name == ""


@pytest.mark.parametrize("box", [(0, 0, 9, 9), (700, 400, 900, 500), (10, 10, 10, 10)])
@pytest.mark.parametrize("kind", ["car", "motorcycle"])
def test_a_vehicle_too_small_or_outside_the_picture_has_no_colour(box: Box, kind: ObjectKind) -> None:
    image, _, plate = drawn_car((168, 26, 34))
    assert vehicle_colour(image, SeenObject(kind, 0.8, box), plate).name == ""


def test_a_plate_that_covers_the_body_leaves_nothing_to_name() -> None:
    image, vehicle, _ = drawn_car((168, 26, 34))
    assert vehicle_colour(image, vehicle, vehicle.box).name == ""
