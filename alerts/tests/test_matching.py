"""Exact and near hits are different things, each explained character by character."""

import pytest

from alerts.matching import match


@pytest.mark.parametrize(
    ("read", "listed"), [("BB6232RB", "BB6232RB"), ("BB6232", "BB6232RB"), ("2A9402RB", "2A9402")]
)
def test_the_same_registration_is_exact_with_or_without_its_suffix(read: str, listed: str) -> None:
    hit = match(read, listed)
    assert hit is not None
    assert (hit.kind, hit.score) == ("exact", 1.0)
    assert {character.kind for character in hit.characters} == {"same"}


def test_a_confusable_character_is_a_near_hit_that_names_it() -> None:
    hit = match("B86232RB", "BB6232RB")
    assert hit is not None
    assert hit.kind == "near"
    assert 0 < hit.score < 1
    doubtful = [character for character in hit.characters if character.kind != "same"]
    assert [(character.position, character.read, character.listed) for character in doubtful] == [
        (2, "8", "B")
    ]


@pytest.mark.parametrize(
    ("read", "listed"),
    [("BB6233RB", "BB6232RB"), ("BB623RB", "BB6232RB"), ("AN0674RB", "BB6232RB"), ("2A9402", "2A9403")],
)
def test_another_vehicle_is_no_hit(read: str, listed: str) -> None:
    assert match(read, listed) is None


def test_a_character_that_the_reader_doubted_costs_less() -> None:
    sure = match("B86232", "BB6232", [1.0] * 6)
    doubted = match("B86232", "BB6232", [1.0, 0.4, 1.0, 1.0, 1.0, 1.0])
    assert sure is not None
    assert doubted is not None
    assert doubted.score > sure.score
