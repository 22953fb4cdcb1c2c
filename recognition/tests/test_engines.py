"""The engines really read what is drawn, and nothing where there is no plate."""

import importlib
import inspect

import numpy as np
import pytest

from recognition.engines import ENGINES, PARAMETERS, Engine, EngineError, get_engine
from recognition.engines.detector import Detection, letterbox, without_duplicates
from recognition.images import ImageError
from recognition.synthesis import draw_empty_road, draw_photo
from recognition.types import RGB

pytestmark = pytest.mark.models


@pytest.mark.parametrize(
    ("plate", "kind", "colour"),
    [
        ("BB6232RB", "car", "white"),
        ("AN0674RB", "taxi", "orange"),
        ("AD1234RB", "state", "blue"),
        ("2A9402RB", "motorcycle", "white"),
        ("7C3815RB", "motorcycle", "white"),
    ],
)
def test_the_default_engine_reads_drawn_photos_exactly(
    engine: Engine, plate: str, kind: str, colour: str
) -> None:
    (read,) = engine.find(draw_photo(plate, kind, seed=3))
    assert read.text == plate
    assert read.plate_colour == colour
    assert read.layout == ("two_line" if kind == "motorcycle" else "one_line")
    assert read.countries[0].country == "BJ"
    assert read.confidence > 0.5
    assert len(read.char_confidences) == len(plate)
    x1, y1, x2, y2 = read.box
    assert 0 <= x1 < x2 <= 1280
    assert 0 <= y1 < y2 <= 720


def test_rapidocr_reads_drawn_photos_exactly_too(
    rapidocr: Engine, car_photo: RGB, motorcycle_photo: RGB
) -> None:
    for photo, plate in ((car_photo, "BB6232RB"), (motorcycle_photo, "2A9402RB")):
        (read,) = rapidocr.find(photo)
        assert (read.text, read.plate_colour) == (plate, "white")
        assert read.confidence > 0.5
        assert len(read.char_confidences) == len(plate)


@pytest.mark.parametrize("name", ["native", "rapidocr"])
def test_an_empty_road_has_no_plate(name: str) -> None:
    assert get_engine(name).find(draw_empty_road(seed=3)) == []


@pytest.mark.parametrize("name", ["native", "rapidocr"])
def test_a_shop_sign_is_no_plate_but_a_close_up_of_a_plate_is_one(name: str) -> None:
    from PIL import Image, ImageDraw

    from recognition.synthesis import draw_plate
    from recognition.synthesis.plate import _font

    sign = Image.new("RGB", (900, 500), (40, 90, 160))
    ImageDraw.Draw(sign).text((60, 160), "PHARMACIE 24H", font=_font(110), fill="white")
    engine = get_engine(name)
    assert engine.find(np.asarray(sign)) == []
    wall = Image.new("RGB", (900, 500), (150, 140, 130))
    plate = draw_plate("2A9402RB")
    wall.paste(plate, (200, 80), plate)
    assert [read.text for read in engine.find(np.asarray(wall))] == ["2A9402RB"]


def test_min_confidence_drops_reads(car_photo: RGB) -> None:
    assert get_engine("rapidocr", min_confidence=0.999).find(car_photo) == []
    assert get_engine("native", min_confidence=1.0).find(car_photo) == []


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((100, 100), np.uint8),
        np.full((100, 100, 3), np.nan, np.float32),
        np.zeros((100, 100, 4), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
    ],
    ids=["grey", "nan", "alpha", "1x1", "empty"],
)
def test_what_is_no_picture_is_refused(engine: Engine, array: RGB) -> None:
    with pytest.raises(ImageError):
        engine.find(array)


@pytest.mark.parametrize("shape", [(16, 16, 3), (16, 900, 3), (900, 16, 3)])
def test_odd_shapes_give_a_clean_answer(engine: Engine, shape: tuple[int, int, int]) -> None:
    assert engine.find(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)) == []


def test_ultralytics_reads_the_drawn_photos_too(car_photo: RGB, motorcycle_photo: RGB) -> None:
    other = get_engine("ultralytics")
    assert [read.text for read in other.find(car_photo)] == ["BB6232RB"]
    assert [read.text for read in other.find(motorcycle_photo)] == ["2A9402RB"]


def test_easyocr_finds_the_car_and_reads_most_of_it(car_photo: RGB) -> None:
    other = get_engine("easyocr")
    (read,) = other.find(car_photo, thorough=False)
    assert "6232" in read.text
    assert read.layout == "one_line"


def test_an_engine_is_made_once_per_set_of_parameters(engine: Engine) -> None:
    assert get_engine() is get_engine("native") is engine
    assert get_engine("native", min_confidence=0.999) is not engine
    assert engine.name == "native"
    assert "onnxruntime 1" in engine.version


def test_the_version_names_the_packages_that_results_depend_on(rapidocr: Engine) -> None:
    assert rapidocr.name == "rapidocr"
    assert "rapidocr 3" in rapidocr.version


def test_unknown_engines_and_parameters_get_a_hint() -> None:
    with pytest.raises(EngineError, match="Did you mean 'rapidocr'"):
        get_engine("rapidcor")
    with pytest.raises(EngineError, match=", ".join(ENGINES)):
        get_engine("tarot")
    with pytest.raises(EngineError, match="parameters"):
        get_engine("rapidocr", colour="blue")
    with pytest.raises(EngineError, match="threads of engine 'native' must be texts or numbers"):
        get_engine("native", threads=(1, 2))


@pytest.mark.parametrize("name", ENGINES)
def test_the_parameters_announced_are_those_that_building_takes(name: str) -> None:
    build = importlib.import_module(ENGINES[name]).build
    assert set(inspect.signature(build).parameters) == set(PARAMETERS[name])


def test_letterbox_keeps_proportions_and_pads_to_multiples_of_32() -> None:
    tensor, scale, left, top = letterbox(np.zeros((720, 1280, 3), np.uint8), 640)
    assert tensor.shape == (1, 3, 384, 640)
    assert (scale, left, top) == (0.5, 0, 12)


def test_overlapping_boxes_of_one_plate_are_merged() -> None:
    boxes = [Detection((0, 0, 10, 10), 0.5), Detection((1, 0, 11, 10), 0.9), Detection((50, 0, 60, 10), 0.3)]
    assert [d.confidence for d in without_duplicates(boxes)] == [0.9, 0.3]
