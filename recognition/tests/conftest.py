"""What the tests of this package share: one loaded engine, and pictures drawn once."""

import numpy as np
import pytest

from recognition.engines import Engine, get_engine
from recognition.synthesis import draw_photo
from recognition.types import RGB


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The default engine, loaded once."""
    return get_engine()


@pytest.fixture(scope="session")
def rapidocr() -> Engine:
    """The engine made of what packages ship, loaded once."""
    return get_engine("rapidocr")


@pytest.fixture(scope="session")
def car_photo() -> RGB:
    """A drawn car with plate BB6232RB."""
    return draw_photo("BB6232RB", "car", seed=1)


@pytest.fixture(scope="session")
def motorcycle_photo() -> RGB:
    """A drawn motorcycle with the two-line plate 2A9402RB."""
    return draw_photo("2A9402RB", "motorcycle", seed=2)


@pytest.fixture
def rng() -> np.random.Generator:
    """Chance that repeats."""
    return np.random.default_rng(7)
