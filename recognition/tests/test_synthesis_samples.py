"""Random plates repeat, tell the truth, cover every format, and obey strengths."""

import re
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from recognition.formats import all_formats
from recognition.synthesis import EFFECTS, PlateSample, rectified, sample, sample_stream
from recognition.synthesis.texts import all_kinds, chosen_kinds, random_text, text_from
from recognition.synthesis.typefaces import FONT_WEIGHTS, GLYPH_HEIGHT, glyph
from recognition.synthesis.wear import bend
from recognition.types import RGB

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def flat(drawn: PlateSample, size: tuple[int, int] = (240, 80)) -> RGB:
    """The plate cut out by its corners, at one size."""
    return rectified(drawn.image, drawn.corners, *size)


def likeness(first: RGB, second: RGB) -> float:
    """Correlation of two pictures' pixels."""
    return float(np.corrcoef(first.astype(float).ravel(), second.astype(float).ravel())[0, 1])


def shift(first: RGB, second: RGB) -> float:
    """How far the second picture lies from the first, in pixels."""
    import cv2

    grey = [picture.mean(axis=2) for picture in (first, second)]
    (dx, dy), _ = cv2.phaseCorrelate(grey[0], grey[1])
    return float(np.hypot(dx, dy))


def test_the_same_seed_gives_the_same_sample_and_pixels() -> None:
    for difficulty in (0.0, 0.5, 1.0):
        first, again = sample(11, difficulty=difficulty), sample(11, difficulty=difficulty)
        assert np.array_equal(first.image, again.image)
        assert (first.text, first.corners, first.conditions) == (again.text, again.corners, again.conditions)
    assert not np.array_equal(sample(11).image, sample(12).image)


def test_a_stream_repeats_and_streams_differ() -> None:
    first, again, other = ([s.text for s in islice(sample_stream(n), 5)] for n in (1, 1, 2))
    assert first == again
    assert not set(first) & set(other)
    assert len(set(first)) == 5


def test_samples_are_rgb_pictures_with_their_corners_inside() -> None:
    for seed in range(60):
        drawn = sample(seed, difficulty=1.0)
        height, width = drawn.image.shape[:2]
        assert drawn.image.dtype == np.uint8
        assert drawn.image.shape == (height, width, 3)
        assert all(0 <= x <= width and 0 <= y <= height for x, y in drawn.corners)
        (x1, y1), (x2, y2), (x3, y3), (x4, y4) = drawn.corners
        assert (x2 + x3) > (x1 + x4)
        assert (y3 + y4) > (y1 + y2)


@pytest.mark.parametrize("strength", [0.3, 0.6, 1.0])
def test_rectifying_by_the_corners_gives_the_flat_plate_back(strength: float) -> None:
    for seed in range(12):
        straight = sample(seed, difficulty=0, character_height=40)
        turned = sample(seed, difficulty=0, character_height=40, effects={"perspective": strength})
        assert turned.text == straight.text
        assert turned.corners != straight.corners
        assert likeness(flat(straight), flat(turned)) > 0.98
        assert shift(flat(straight), flat(turned)) < 0.3


@pytest.mark.parametrize(
    ("name", "most"), [("rolling_shutter", 0.6), ("frame", 0.6), ("focus_blur", 0.8), ("low_resolution", 2.5)]
)
def test_corners_stay_true_under_the_effect(name: str, most: float) -> None:
    # Pixels of 240 x 80: a plate at low resolution is enlarged three to five times to that.
    for seed in range(8):
        clean = sample(seed, difficulty=0, effects={"perspective": 0.5})
        changed = sample(seed, difficulty=0, effects={"perspective": 0.5, name: 0.7})
        assert shift(flat(clean), flat(changed)) < most


def test_a_bent_plate_keeps_its_corners_in_place() -> None:
    flat_sheet = np.zeros((100, 240, 4), np.float32)
    places = [(20, 20), (20, 219), (79, 20), (79, 219)]
    for row, column in places:
        flat_sheet[row - 1 : row + 2, column - 1 : column + 2] = 1
    for seed in range(6):
        bent = bend(flat_sheet, 20, np.random.default_rng(seed), 1.0)[:, :, 3]
        assert all(bent[row - 1 : row + 2, column - 1 : column + 2].mean() > 0.6 for row, column in places)
        assert np.abs(bent - flat_sheet[:, :, 3]).max() > 0.02


def test_corners_shifted_by_two_pixels_would_be_noticed() -> None:
    drawn = sample(3, difficulty=0, character_height=40, effects={"perspective": 0.5})
    straight = flat(sample(3, difficulty=0, character_height=40))
    moved = rectified(np.roll(drawn.image, (2, 2), (0, 1)), drawn.corners, 240, 80)
    assert likeness(straight, moved) < likeness(straight, flat(drawn)) - 0.02


@pytest.mark.parametrize("wanted", [8.0, 16.0, 40.0])
def test_the_character_height_is_as_asked(wanted: float) -> None:
    for seed in range(8):
        drawn = sample(seed, difficulty=0.0, kinds=["BJ:private"], layout="one_line", character_height=wanted)
        assert drawn.character_height == wanted
        (_, top), _, _, (_, bottom) = drawn.corners
        assert 0.5 < wanted / (bottom - top) < 0.78


def test_every_format_is_drawn_with_its_text_layout_and_colour() -> None:
    rng = np.random.default_rng(5)
    for fmt in all_formats():
        kinds = chosen_kinds([f"{fmt.country}:{fmt.category}"])
        for _ in range(30):
            plate = random_text(rng, kinds)
            assert fmt.pattern.fullmatch(plate.text), (plate.text, fmt.category)
            assert plate.layout in fmt.layouts
            assert len(plate.lines) == (2 if plate.layout == "two_line" else 1)
            assert "".join("".join(line) for line in plate.lines) == plate.text
            assert not fmt.backgrounds or plate.ground in fmt.backgrounds
            assert not fmt.texts or plate.ink in fmt.texts


def test_all_kinds_come_in_the_stated_shares() -> None:
    rng = np.random.default_rng(6)
    drawn = [random_text(rng, all_kinds()) for _ in range(6000)]
    groups = Counter(plate.kind.group for plate in drawn)
    assert 0.46 < groups["benin"] / 6000 < 0.54
    assert 0.17 < groups["neighbours"] / 6000 < 0.23
    assert {plate.kind for plate in drawn} == set(all_kinds())
    assert {plate.layout for plate in drawn} == {"one_line", "two_line"}
    assert all(plate.kind.pattern.fullmatch(plate.text) for plate in drawn)
    assert set("".join(plate.text for plate in drawn)) == set(ALPHABET)


@pytest.mark.parametrize("pattern", ["[A-C]{2}(1|2\\d|XY)(RB)?", "\\d{1,3}(0[1-9]|1[0-3])", "(AB)(C)?D"])
def test_texts_fit_their_pattern(pattern: str) -> None:
    rng = np.random.default_rng(1)
    texts = {text_from(pattern, rng) for _ in range(200)}
    assert all(re.fullmatch(pattern, text) for text in texts)
    assert len(texts) > 1


def test_unknown_syntax_of_a_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="syntax"):
        text_from("A.*", np.random.default_rng(1))


def test_kinds_and_layout_narrow_what_is_drawn() -> None:
    drawn = [sample(n, difficulty=0, kinds=["NG", "BJ:motorcycle"], layout="two_line") for n in range(5)]
    assert {(s.country, s.category, s.layout) for s in drawn} == {("BJ", "motorcycle", "two_line")}


@pytest.mark.parametrize("name", EFFECTS)
def test_each_effect_does_something_and_nothing_at_strength_0(name: str) -> None:
    clean = sample(21, difficulty=0)
    off, on = sample(21, difficulty=0, effects={name: 0.0}), sample(21, difficulty=0, effects={name: 0.8})
    assert clean.conditions == off.conditions == ()
    assert np.array_equal(clean.image, off.image)
    assert on.conditions == (name,)
    assert on.text == clean.text
    assert on.image.shape != clean.image.shape or not np.array_equal(on.image, clean.image)


@pytest.mark.parametrize(
    "name", ["dirt", "noise", "focus_blur", "motion_blur", "jpeg", "night", "wear", "glare"]
)
def test_more_strength_changes_more(name: str) -> None:
    apart = []
    for strength in (0.2, 1.0):
        off = 0.0
        for seed in range(30, 36):
            clean = sample(seed, difficulty=0)
            changed = sample(seed, difficulty=0, effects={name: strength})
            off += float(np.abs(clean.image.astype(float) - changed.image).mean())
        apart.append(off)
    assert apart[1] > apart[0] > 0


def test_an_effect_switched_off_leaves_the_others_as_they_were() -> None:
    hard = next(s for s in (sample(n, difficulty=1.0) for n in range(40)) if "noise" in s.conditions)
    number = next(n for n in range(40) if sample(n, difficulty=1.0).text == hard.text)
    without = sample(number, difficulty=1.0, effects={"noise": 0})
    assert without.conditions == tuple(name for name in hard.conditions if name != "noise")
    assert without.corners == hard.corners


def test_more_difficulty_brings_more_effects() -> None:
    counts = [sum(len(sample(n, difficulty=d).conditions) for n in range(25)) for d in (0.0, 0.2, 1.0)]
    assert counts[0] == 0
    assert counts[0] < counts[1] < counts[2]


def test_held_out_fonts_are_not_trained_on() -> None:
    train, held_out = set(FONT_WEIGHTS["train"]), set(FONT_WEIGHTS["held_out"])
    assert train
    assert held_out
    assert not train & held_out
    for drawn in (sample(4, difficulty=0, fonts="train"), sample(4, difficulty=0, fonts="held_out")):
        assert drawn.text == sample(4, difficulty=0).text
    assert not np.array_equal(
        sample(4, difficulty=0, fonts="train").image, sample(4, difficulty=0, fonts="held_out").image
    )


@pytest.mark.parametrize("font", [*FONT_WEIGHTS["train"], *FONT_WEIGHTS["held_out"]])
def test_every_font_tells_all_characters_apart(font: str) -> None:
    masks = {char: glyph(font, char) for char in ALPHABET}
    for char, mask in masks.items():
        assert mask.shape[1] <= 1.6 * GLYPH_HEIGHT
        rows = np.flatnonzero(mask.max(axis=1) > 100)
        assert rows[-1] - rows[0] > 0.85 * GLYPH_HEIGHT, char
    for first, second in ("OQ", "IJ", "PR", "EF", "8B", "5S", "2Z", "CG", "17", "38", "69"):
        one, two = masks[first], masks[second]
        wide = max(one.shape[1], two.shape[1])
        gap = [np.pad(m, ((0, 0), (0, wide - m.shape[1]))).astype(float) for m in (one, two)]
        assert np.abs(gap[0] - gap[1]).mean() > 4, first + second


@pytest.mark.parametrize(
    "wrong",
    [{"difficulty": 1.5}, {"effects": {"fog": 1.0}}, {"effects": {"dirt": 2.0}}, {"kinds": ["ZZ"]},
     {"character_height": 0.0}, {"character_height": float("nan")}, {"context": -1.0},
     {"kinds": ["BJ:trade"], "layout": "two_line"}],
)  # fmt: skip
def test_arguments_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sample(1, **wrong)  # type: ignore[arg-type]
