"""The native engine: what the detector's rows mean, whose plate it is, photographs searched again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recognition.boxes import corners
from recognition.colours import is_monochrome
from recognition.engines import EngineError, get_engine
from recognition.engines.carriers import carrier_of
from recognition.engines.native import NativeEngine
from recognition.engines.plate_reader import PlateReader
from recognition.engines.pose_detector import FoundPlate, PoseDetector, Sight, sound_corners
from recognition.images import ImageError, open_image
from recognition.synthesis import draw_empty_road, draw_photo
from recognition.tests.networks import BOX, detector_row, save_detector, save_reader
from recognition.tests.test_images import png_header
from recognition.types import RGB, SeenObject
from recognition.weights import WeightsError, network_path


@pytest.fixture
def picture(rng: np.random.Generator) -> RGB:
    """640 x 384, so that the detector's pixels are the picture's."""
    return rng.integers(0, 255, (384, 640, 3), dtype=np.uint8)


def detector(folder: Path, *rows: np.ndarray) -> PoseDetector:
    return PoseDetector(save_detector(folder / "detector.onnx", rows))


def test_a_plate_seen_as_both_classes_is_one_and_has_the_better_layout(tmp_path: Path, picture: RGB) -> None:
    shifted = (BOX[0] + 2, BOX[1], BOX[2] + 2, BOX[3])
    rows = (detector_row(one_line=0.5), detector_row(shifted, two_line=0.8, one_line=0.2))
    [plate] = detector(tmp_path, *rows).look(picture).plates
    assert plate.confidence == pytest.approx(0.8)
    assert plate.two_line == pytest.approx(0.8)
    assert plate.box == pytest.approx(shifted)


def test_pixels_are_those_of_the_picture_whatever_its_size(tmp_path: Path) -> None:
    large = np.zeros((720, 1280, 3), np.uint8)
    [plate] = detector(tmp_path, detector_row(one_line=0.9)).look(large).plates
    # Half the size, and 12 rows of padding above.
    assert plate.box == pytest.approx((200, 136, 400, 196))
    assert np.array(plate.polygon) == pytest.approx(np.array(corners(plate.box)))


def test_objects_of_one_group_are_not_seen_twice_and_a_rider_is_beside_the_motorcycle(
    tmp_path: Path, picture: RGB
) -> None:
    rows = (
        detector_row((100, 100, 300, 300), car=0.9),
        detector_row((102, 100, 300, 300), truck=0.5),
        detector_row((100, 102, 300, 300), person=0.6),
        detector_row((400, 100, 450, 200), person=0.2),
    )
    objects = detector(tmp_path, *rows).look(picture).objects
    assert [(one.kind, round(one.confidence, 1)) for one in objects] == [("car", 0.9), ("person", 0.6)]


def test_rows_without_numbers_and_weak_ones_are_nothing(tmp_path: Path, picture: RGB) -> None:
    rows = (detector_row((np.nan, 0, 5, 5), one_line=0.9), detector_row(two_line=0.2))
    assert detector(tmp_path, *rows).look(picture) == Sight([], [])


GOOD = [(105.0, 78.0), (203.0, 84.0), (198.0, 112.0), (99.0, 108.0)]


@pytest.mark.parametrize(
    ("points", "sound"),
    [
        (GOOD, True),
        ([(75, 72), (225, 72), (225, 118), (75, 118)], False),  # more than the box holds
        ([(100, 80), (200, 80), (200, 190), (100, 190)], False),  # far below the box
        ([GOOD[1], GOOD[0], GOOD[2], GOOD[3]], False),  # crossed
        ([GOOD[0], GOOD[3], GOOD[2], GOOD[1]], False),  # the other way round
        ([(100, 94), (200, 94), (200, 96), (100, 96)], False),  # next to nothing
        ([(100, 80), (140, 95), (200, 110), (100, 110)], False),  # a dent
    ],
)
def test_corners_are_believed_only_where_they_can_be_a_plates(
    points: list[tuple[float, float]], sound: bool, tmp_path: Path, picture: RGB
) -> None:
    assert (sound_corners(points, BOX) is not None) is sound
    [plate] = detector(tmp_path, detector_row(corners=points, one_line=0.9)).look(picture).plates
    expected = points if sound else corners(BOX)
    assert np.array(plate.polygon) == pytest.approx(np.array(expected), abs=1e-3)


def seen(kind: str, *box: float) -> SeenObject:
    return SeenObject(kind, 0.8, box)  # type: ignore[arg-type]


PLATE = (100.0, 200.0, 140.0, 220.0)


@pytest.mark.parametrize(
    ("objects", "kind"),
    [
        ([seen("car", 0, 0, 300, 300), seen("truck", 0, 0, 600, 400)], "car"),
        ([seen("car", 50, 50, 250, 230), seen("motorcycle", 80, 60, 160, 280)], "motorcycle"),
        ([seen("person", 90, 50, 150, 260)], None),
        ([seen("car", 200, 0, 300, 300)], None),
        # The car behind has the plate in its upper part only because the truck stands before it.
        ([seen("car", 80, 190, 160, 400), seen("truck", 0, 0, 400, 300)], "truck"),
        ([seen("car", 100, 195, 140, 222)], None),  # as small as the plate itself
        ([], None),
    ],
)
def test_a_plate_belongs_to_the_vehicle_that_carries_it(objects: list[SeenObject], kind: str | None) -> None:
    carrier = carrier_of(PLATE, objects)
    assert (carrier and carrier.kind) == kind


class Detector:
    """Sees a plate at one scale only."""

    version, image_size = "detector 1", 640

    def __init__(self, scale: int, score: float = 0.9) -> None:
        self.scale, self.score = scale, score
        self.asked: list[int] = []

    def look(self, image: RGB, *, image_size: int = 0) -> Sight:
        self.asked.append(image_size or self.image_size)
        plate = FoundPlate(BOX, self.score, 0.2, corners(BOX))
        return Sight([plate] if self.asked[-1] == self.scale else [], [seen("car", 50, 0, 260, 130)])


@pytest.fixture
def native(tmp_path: Path) -> Callable[..., tuple[NativeEngine, Detector]]:
    """Makes engines whose reader reads BB6232RB everywhere, or another text."""

    def make(scale: int, score: float = 0.9, text: str = "BB6232RB") -> tuple[NativeEngine, Detector]:
        seeing = Detector(scale, score)
        reader = PlateReader(save_reader(tmp_path / "reader.onnx", text))
        return NativeEngine(seeing, reader), seeing  # type: ignore[arg-type]

    return make


Make = Callable[..., tuple[NativeEngine, Detector]]


def test_a_look_has_the_plate_with_its_vehicle_and_all_objects(native: Make, picture: RGB) -> None:
    engine, detector = native(640)
    plates, objects = engine.look(picture)
    [read] = plates
    assert (read.text, read.raw_text, read.layout, read.plate_colour) == (
        "BB6232RB", "BB6232RB", "one_line", "orange",
    )  # fmt: skip
    assert read.countries[0].category == "commercial_taxi_trailer"
    assert read.vehicle == objects[0]
    assert 0.9 < read.confidence <= read.recognition_confidence
    assert len(read.char_confidences) == 8
    assert engine.find(picture) == plates
    assert detector.asked == [640, 640]


def test_confidence_falls_where_the_detector_doubts(native: Make, picture: RGB) -> None:
    [sure] = native(640)[0].find(picture)
    [doubtful] = native(640, 0.3)[0].find(picture)
    assert doubtful.confidence < 0.8 * sure.confidence
    assert doubtful.recognition_confidence == sure.recognition_confidence


def test_a_photograph_is_searched_at_other_scales_a_stream_is_not(native: Make) -> None:
    large = np.full((900, 1600, 3), 90, np.uint8)
    engine, detector = native(1280)
    assert engine.find(large, thorough=False) == []
    assert [read.text for read in engine.find(large)] == ["BB6232RB"]
    assert detector.asked == [640, 640, 1280]


def test_a_plate_that_fills_much_of_the_picture_is_looked_at_from_farther_away(native: Make) -> None:
    small = np.full((210, 300, 3), 90, np.uint8)
    engine, detector = native(640)
    assert [read.text for read in engine.find(small, thorough=False)] == ["BB6232RB"]
    assert detector.asked == [640, 320]
    detector.asked.clear()
    engine.find(np.full((384, 640, 3), 90, np.uint8), thorough=False)
    assert detector.asked == [640]


def test_a_picture_of_nothing_but_a_plate_is_read_unless_it_is_too_tall(native: Make) -> None:
    engine, detector = native(0)
    [read] = engine.find(np.full((60, 200, 3), 90, np.uint8))
    assert (read.text, read.box) == ("BB6232RB", (0, 0, 200, 60))
    assert read.detection_confidence < 0.5
    assert 1280 not in detector.asked
    assert engine.find(np.full((300, 200, 3), 90, np.uint8)) == []
    assert engine.find(np.full((60, 200, 3), 90, np.uint8), thorough=False) == []


@pytest.mark.parametrize("text", ["", "B", "TOYOTA", "SORTIE3"])
def test_what_is_no_plate_text_is_dropped(native: Make, picture: RGB, text: str) -> None:
    assert native(640, text=text)[0].find(picture) == []


@pytest.mark.parametrize("text", ["W1", "V4JRW"])
def test_unusual_plates_are_dropped_where_the_detector_doubts(native: Make, picture: RGB, text: str) -> None:
    assert native(640, 0.39, text=text)[0].find(picture) == []


@pytest.mark.parametrize("text", ["PR", "W1", "RFARB", "V4JRW"])
def test_short_and_chosen_plates_are_read_where_the_detector_is_sure(
    native: Make, picture: RGB, text: str
) -> None:
    assert [read.text for read in native(640, text=text)[0].find(picture)] == [text]


def test_in_infrared_no_colour_is_named(native: Make, picture: RGB) -> None:
    grey = np.repeat(picture[:, :, :1], 3, axis=2)
    assert is_monochrome(grey)
    assert not is_monochrome(picture)
    [read] = native(640)[0].find(grey)
    assert read.plate_colour == ""


@pytest.mark.parametrize("content", [b"", b"no network", b"version https://git-lfs.github.com/spec/v1\n"])
def test_damaged_weights_are_told_with_their_file(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "detector.onnx").write_bytes(content)
    monkeypatch.setenv("ANPR_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(EngineError, match=r"has no weights.*detector\.onnx is no network"):
        get_engine("native", min_confidence=0.123)


def test_a_detector_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="its classes"):
        PoseDetector(save_detector(tmp_path / "detector.onnx", (), classes='["plate"]'))


def test_missing_weights_are_told_and_a_folder_may_hold_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANPR_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(WeightsError, match=r"nothing\.onnx is missing"):
        network_path("nothing")
    (tmp_path / "nothing.onnx").write_bytes(b"x")
    assert network_path("nothing") == tmp_path / "nothing.onnx"


@pytest.fixture(scope="module")
def real() -> NativeEngine:
    engine = get_engine("native")
    assert isinstance(engine, NativeEngine)
    return engine


@pytest.mark.models
def test_the_vehicle_in_a_drawn_photo_is_seen_once_at_most_and_the_road_is_empty(real: NativeEngine) -> None:
    plates, objects = real.look(draw_photo("BB6232RB", "car", seed=3))
    assert [read.text for read in plates] == ["BB6232RB"]
    assert all(0 <= one.confidence <= 1 for one in objects)
    assert real.look(draw_empty_road(seed=3)).plates == []


@pytest.mark.models
@pytest.mark.parametrize(
    "array",
    [
        np.full((100, 100, 3), np.nan),
        np.full((100, 100, 3), np.inf, np.float32),
        np.zeros((100, 100, 3), np.uint16),
        np.zeros((100, 100, 4), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((3, 100, 100), np.uint8),
    ],
    ids=["nan", "inf", "16-bit", "alpha", "1x1", "empty", "channels-first"],
)
def test_what_is_no_picture_is_refused(real: NativeEngine, array: RGB) -> None:
    with pytest.raises(ImageError):
        real.look(array)


@pytest.mark.models
def test_a_picture_of_a_bomb_never_reaches_the_engine(real: NativeEngine) -> None:
    with pytest.raises(ImageError) as refused:
        real.find(open_image(png_header(20_000, 20_000)))
    assert refused.value.code == "too_many_pixels"


@pytest.mark.models
@pytest.mark.parametrize("shape", [(16, 16, 3), (16, 2000, 3), (2000, 16, 3), (64, 64, 3)])
@pytest.mark.parametrize("value", [0, 255])
def test_odd_pictures_show_no_plate(real: NativeEngine, shape: tuple[int, int, int], value: int) -> None:
    assert real.find(np.full(shape, value, np.uint8)) == []
