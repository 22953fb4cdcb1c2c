"""An observed engine reads as the engine within, and tells each picture with what was read in it."""

import numpy as np
import pytest

from recognition.boxes import corners
from recognition.engines.observed import ObservedEngine
from recognition.types import RGB, PlateRead


class OnePlate:
    """Finds one plate in every picture, after a thorough look only."""

    name, version = "one", "1"

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """One read, or none."""
        box = (2.0, 2.0, 30.0, 12.0)
        return (
            [PlateRead("AB1234", "AB1234", 0.9, 0.9, 0.9, box, corners(box), "one_line")] if thorough else []
        )

    def warm_up(self) -> None:
        """Nothing to load."""


def test_observers_hear_of_every_picture_in_order() -> None:
    heard: list[tuple[str, int, int]] = []
    engine = ObservedEngine(
        OnePlate(),
        lambda image, reads, seconds: heard.append(("first", image.shape[1], len(reads))),
        lambda image, reads, seconds: heard.append(("second", len(reads), int(seconds >= 0))),
    )
    picture = np.zeros((20, 40, 3), np.uint8)
    assert [read.text for read in engine.find(picture)] == ["AB1234"]
    assert engine.find(picture, thorough=False) == []
    assert heard == [("first", 40, 1), ("second", 1, 1), ("first", 40, 0), ("second", 0, 1)]
    assert (engine.name, engine.version) == ("one", "1")


def test_what_an_observer_raises_ends_the_reading() -> None:
    def refuse(image: RGB, reads: object, seconds: float) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        ObservedEngine(OnePlate(), refuse).find(np.zeros((20, 40, 3), np.uint8))
