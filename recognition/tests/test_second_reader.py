"""The second reader of photographs: RapidOCR's networks on plates that our detector found."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from recognition.engines import native
from recognition.engines.native import build
from recognition.engines.second_reader import SecondReader
from recognition.reading import Spelling
from recognition.synthesis import sample
from recognition.types import PlateRead


@pytest.fixture(scope="module")
def second() -> SecondReader:
    return SecondReader(min_confidence=0.3, threads=1)


@pytest.mark.models
@pytest.mark.parametrize("layout", ["one_line", "two_line"])
def test_a_slanted_plate_is_seen_straight_on(second: SecondReader, layout: str) -> None:
    drawn = sample(
        11, difficulty=0, kinds=("BJ:private",), layout=layout, effects={"perspective": 0.5},  # type: ignore[arg-type]
        character_height=18,
    )  # fmt: skip
    *fewer, found = second.opinions(drawn.image, drawn.corners, drawn.layout)
    assert len(fewer) == 2
    chances: dict[str, float] = {}
    for one in found:
        chances[one.text] = chances.get(one.text, 0.0) + one.chance
    best = max(chances, key=lambda text: chances[text])
    assert best.removesuffix("RB") == drawn.text.removesuffix("RB")
    assert sum(chances.values()) <= 2


@pytest.mark.models
def test_without_the_package_one_reader_is_enough(
    second: SecondReader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "recognition.engines.rapid_reader", None)
    alone = SecondReader(min_confidence=0.3, threads=1)
    corners = ((0.0, 0.0), (90.0, 0.0), (90.0, 30.0), (0.0, 30.0))
    assert list(alone.opinions(np.zeros((30, 90, 3), np.uint8), corners, "one_line")) == []
    assert alone.anywhere(np.zeros((90, 90, 3), np.uint8)) == []
    assert caplog.text.count("one reader only") == 1


@pytest.mark.models
def test_only_unsure_plates_of_photographs_are_shown_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = sample(5, difficulty=0.9, kinds=("BJ:private",), character_height=10, context=3.0)
    asked: list[object] = []

    def opinions(self: SecondReader, image: object, polygon: object, layout: str) -> list[object]:
        asked.append(polygon)
        return []

    monkeypatch.setattr(SecondReader, "opinions", opinions)
    engine = build()
    reads: list[PlateRead] = engine.find(drawn.image, thorough=False)
    assert not asked
    clear = sample(6, difficulty=0, kinds=("BJ:private",), character_height=24, context=3.0)
    [read] = engine.find(clear.image)
    assert (read.text, asked) == (clear.text, [])
    engine.find(drawn.image)
    assert asked or not reads


@pytest.mark.models
def test_slower_views_are_spared_where_both_readers_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = sample(6, difficulty=0, kinds=("BJ:private",), character_height=24, context=3.0)
    asked: list[int] = []

    def opinions(self: SecondReader, image: object, polygon: object, layout: str) -> Iterator[list[Spelling]]:
        for number in range(3):
            asked.append(number)
            yield [Spelling(drawn.text if number else "XX0000", 1.0)]

    monkeypatch.setattr(SecondReader, "opinions", opinions)
    monkeypatch.setattr(native, "_SURE_ALONE", 1.1)
    [read] = build().find(drawn.image)
    assert read.text == drawn.text
    assert asked == [0, 1]
