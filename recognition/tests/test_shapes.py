"""How common the world's shapes of plates are."""

import json
from importlib.resources import files

import pytest

from recognition.shapes import commonness, shape_of


def test_a_shape_has_a_letter_or_a_digit_in_every_place() -> None:
    assert shape_of("BB6232RB") == "LLDDDDLL"
    assert shape_of("") == ""


def test_the_commonest_shape_counts_fully_and_none_is_impossible() -> None:
    counts = json.loads(files("recognition").joinpath("shapes.json").read_text("utf-8"))["counts"]
    best = max(counts, key=lambda shape: counts[shape])
    assert commonness(best.replace("L", "K").replace("D", "7")) == pytest.approx(1.0, abs=0.01)
    assert 0 < commonness("1A1A1A1A1A1A") < 1e-3
    assert commonness("") > 0


def test_look_alikes_are_told_apart_by_their_places() -> None:
    assert commonness("ABI1234") > 10 * commonness("AB11234")
    assert commonness("ABC1238") > 5 * commonness("ABC123B")
    assert commonness("AB12CDE") > 10 * commonness("ABI2CDE")
