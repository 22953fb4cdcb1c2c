"""Our reader: what steps spell, plates straightened, many crops as one."""

import itertools
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recognition.boxes import corners
from recognition.characters import ALPHABET
from recognition.engines.ctc import beam_search
from recognition.engines.plate_reader import HEIGHT, WIDTH, PlateReader, PlateText, averaged, straightened
from recognition.reading import rank_spellings
from recognition.synthesis import sample
from recognition.tests.networks import save_reader
from recognition.types import RGB
from recognition.weights import WeightsError, network_path


def rows(rng: np.random.Generator, steps: int, classes: int) -> NDArray[np.float32]:
    chances = rng.dirichlet(np.full(classes, 0.4), steps)
    return np.log(chances + 1e-12).astype(np.float32)


def brute_force(log_chances: NDArray[np.float32]) -> dict[str, float]:
    """The chance of every text, by every way to lay it out."""
    totals: dict[str, float] = defaultdict(float)
    for path in itertools.product(range(log_chances.shape[1]), repeat=log_chances.shape[0]):
        text = "".join(ALPHABET[c - 1] for c, _ in itertools.groupby(path) if c)
        totals[text] += math.exp(sum(float(log_chances[i, c]) for i, c in enumerate(path)))
    return totals


@pytest.mark.parametrize("seed", range(8))
def test_the_search_finds_every_text_with_its_chance(seed: int) -> None:
    steps = rows(np.random.default_rng(seed), 5, 4)
    expected = brute_force(steps)
    found = dict(beam_search(steps, width=10_000, least=0, sure=2))
    for text, chance in expected.items():
        assert found.get(text, 0.0) == pytest.approx(chance, abs=1e-5)
    assert sum(found.values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_the_usual_narrow_search_keeps_the_best_text(seed: int) -> None:
    steps = rows(np.random.default_rng(seed), 7, 4)
    text, chance = max(brute_force(steps).items(), key=lambda item: item[1])
    best, found = beam_search(steps)[0]
    assert best == text
    assert found == pytest.approx(chance, rel=0.15)


def test_sure_blanks_are_skipped_without_changing_the_answer() -> None:
    steps = np.full((60, 4), 1e-5, np.float32)
    steps[:, 0] = 1 - 3e-5
    for step, char in ((3, 1), (4, 1), (20, 1), (21, 2), (50, 3)):
        steps[step] = 0.02
        steps[step, char] = 0.94
    quick, slow = beam_search(np.log(steps)), beam_search(np.log(steps), sure=2)
    assert quick[0][0] == slow[0][0] == ALPHABET[0] * 2 + ALPHABET[1] + ALPHABET[2]
    assert quick[0][1] == pytest.approx(slow[0][1], rel=0.01)


def test_a_plate_is_straightened_by_its_corners() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    # A square of four colours that stands on its corner.
    for y, x in itertools.product(range(200), range(300)):
        u, v = (x - 150) + (y - 100), (y - 100) - (x - 150)
        if max(abs(u), abs(v)) <= 80:
            image[y, x] = (255 if u > 0 else 60, 255 if v > 0 else 60, 255)
    flat = straightened(image, ((150, 20), (230, 100), (150, 180), (70, 100)), margin=0.0)
    assert flat.shape == (HEIGHT, WIDTH, 3)
    for y, x, u, v in ((12, 30, 60, 60), (12, 130, 255, 60), (52, 130, 255, 255), (52, 30, 60, 255)):
        assert flat[y, x, :2] == pytest.approx((u, v), abs=30)


def test_beyond_the_picture_its_edge_goes_on() -> None:
    image = np.full((40, 120, 3), 200, np.uint8)
    whole = straightened(image, corners((-30.0, -10.0, 150.0, 50.0)), margin=0.3)
    assert whole.min() == whole.max() == 200


def test_strokes_of_a_large_plate_are_averaged_not_missed() -> None:
    image = np.zeros((600, 2400, 3), np.uint8)
    image[:, ::4] = 255
    flat = straightened(image, corners((200.0, 100.0, 2200.0, 500.0)), margin=0.0)
    assert np.abs(flat[:, 5:-5].astype(int) - 64).max() < 30


def text_of(*texts: tuple[str, float]) -> PlateText:
    return PlateText(texts, 0.1, {"white": 0.9, "yellow": 0.1})


def test_a_sure_foreign_read_stays_and_a_doubtful_one_follows_the_formats() -> None:
    sure = text_of(("4A12345", 0.93), ("4AI2345", 0.05))
    ranked = rank_spellings(sure.spellings(), sure.raw)
    assert ranked.text == ranked.raw_text == "4A12345"
    doubtful = text_of(("8B6232RB", 0.5), ("BB6232RB", 0.45))
    ranked = rank_spellings(doubtful.spellings(), doubtful.raw, layout="one_line")
    assert (ranked.text, ranked.raw_text) == ("BB6232RB", "8B6232RB")
    # On two lines the other is a motorcycle's, and as plausible.
    assert rank_spellings(doubtful.spellings(), doubtful.raw, layout="two_line").text == "8B6232RB"


def test_confidences_say_which_character_is_in_doubt_and_count_what_was_not_followed() -> None:
    read = text_of(("BB6232RB", 0.6), ("BB6Z32RB", 0.2), ("BB632RB", 0.1))
    ranked = rank_spellings(read.spellings(), read.raw)
    assert 0.6 <= ranked.confidence < 0.9
    assert min(range(8), key=lambda i: ranked.char_confidences[i]) == 3
    assert ranked.char_confidences[0] == pytest.approx(0.9 ** (1 / 8))
    assert sum(one.likelihood for one in ranked.candidates) <= 1 + 1e-9


def test_several_views_of_one_plate_are_averaged() -> None:
    views = [text_of(("AB1234", 0.6), ("A81234", 0.3)), PlateText((("A81234", 0.5),), 0.5, {"black": 1.0})]
    together = averaged(views)
    assert [text for text, _ in together.texts] == ["A81234", "AB1234"]
    assert [chance for _, chance in together.texts] == pytest.approx([0.4, 0.3])
    assert together.two_line == pytest.approx(0.3)
    assert together.colour == ""
    assert averaged(views[:1]).colour == "white"


def test_the_colour_that_most_pixels_have_counts_but_does_not_decide() -> None:
    doubtful = PlateText((), 0.1, {"yellow": 0.74, "orange": 0.25, "white": 0.01})
    assert averaged([doubtful], measured="orange").colour == "orange"
    assert averaged([doubtful], measured="white").colour == "yellow"
    assert averaged([doubtful]).colour == "yellow"


def test_no_text_at_all_is_an_empty_read() -> None:
    ranked = rank_spellings([], "")
    assert (ranked.text, ranked.confidence, ranked.candidates) == ("", 0.0, ())


def test_a_reader_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = save_reader(tmp_path / "reader.onnx", alphabet="ABC")
    with pytest.raises(WeightsError, match="its alphabet is ABC"):
        PlateReader(path)


@pytest.fixture(scope="module")
def reader() -> PlateReader:
    return PlateReader(network_path("reader"))


def drawn(count: int) -> list[tuple[RGB, str]]:
    plates = [sample(seed, difficulty=0.0, context=0.3, character_height=30) for seed in range(count)]
    return [(straightened(one.image, one.corners), one.text) for one in plates]


@pytest.mark.models
def test_many_crops_at_once_read_as_each_alone(reader: PlateReader) -> None:
    crops = [crop for crop, _ in drawn(20)]
    together, alone = reader.read(crops), [reader.read([crop])[0] for crop in crops]
    assert [one.raw for one in together] == [one.raw for one in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.texts[0][1] == pytest.approx(other.texts[0][1], abs=1e-3)
    assert reader.read([]) == []


@pytest.mark.models
def test_new_plates_drawn_straight_are_read(reader: PlateReader) -> None:
    plates = drawn(40)
    texts = reader.read([crop for crop, _ in plates])
    right = sum(one.raw == text for one, (_, text) in zip(texts, plates, strict=True))
    assert right >= 36
