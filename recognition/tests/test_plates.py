"""Sameness of plates: strict, without country mark, and as a reader may mix characters up."""

import itertools
import random

import pytest

from recognition.characters import ALPHABET, CONFUSABLE_CLASSES, alternatives
from recognition.formats import all_formats
from recognition.plates import MAX_PLATE_LENGTH, compare, confusable, core, fold, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bb 6232-rb", "BB6232RB"),
        ("  é à ç  ", "EAC"),
        ("ＡＢ１２", "AB12"),
        ("١٢٣ АВ 漢", ""),
        ("", ""),
        ("\x00\ud800 A1", "A1"),
        ("ﬁ 1", "FI1"),
    ],
)
def test_normalise_keeps_only_latin_letters_and_digits(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("plate", "expected"),
    [
        ("BB 6232 RB", "BB6232"),
        ("BB6232", "BB6232"),
        ("2A9402RB", "2A9402"),
        ("8A1234RN", "8A1234"),
        ("11RJ8596BF", "11RJ8596"),
        ("TG-1958-DR", "1958DR"),
        # What looks like a mark belongs to the plate when the rest is no plate of that country.
        ("1234RB", "1234RB"),
        ("ABC123RB", "ABC123RB"),
        ("BB6232RN", "BB6232RN"),
        ("RB1234RB", "RB1234"),
        ("RB", "RB"),
        ("", ""),
    ],
)
def test_core_takes_off_the_mark_only_of_a_plate_of_that_country(plate: str, expected: str) -> None:
    assert core(plate) == expected


@pytest.mark.parametrize("fmt", all_formats(), ids=lambda fmt: f"{fmt.country}-{fmt.category}")
def test_core_and_fold_are_stable_on_every_format(fmt: object) -> None:
    example = fmt.example  # type: ignore[attr-defined]
    assert core(core(example)) == core(example)
    assert fold(core(example)) == fold(example)
    assert fold(fold(example)) == fold(example)


@pytest.mark.parametrize("members", [sorted(one) for one in CONFUSABLE_CLASSES.values()], ids="".join)
def test_characters_of_one_class_fold_alike(members: list[str]) -> None:
    for first, second in itertools.product(sorted(members), repeat=2):
        assert confusable(f"X{first}7", f"X{second}7")


def test_characters_of_different_classes_do_not_fold_alike() -> None:
    folded = {fold(char) for char in ALPHABET}
    assert len(folded) == len(ALPHABET) - sum(len(members) - 1 for members in CONFUSABLE_CLASSES.values())


def test_swapping_look_alikes_never_changes_the_fold() -> None:
    chance = random.Random(3)
    for _ in range(500):
        plate = "".join(chance.choices(ALPHABET, k=chance.randint(1, 10)))
        swapped = "".join(chance.choice((c, *alternatives(c))) for c in plate)
        assert fold(plate) == fold(swapped)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("BB6232RB", "8B6232", True),
        ("BB6232R8", "BB6232", True),
        ("AN0674", "ANO674RB", True),
        ("BB6232RB", "BB6233RB", False),
        ("BB6232RB", "BB623RB", False),
    ],
)
def test_confusable(first: str, second: str, expected: bool) -> None:
    assert confusable(first, second) is expected


def test_compare_explains_each_character_and_leaves_marks_out() -> None:
    rows = compare("8B6232RB", "BB 6132")
    assert [(r.position, r.read, r.listed, r.kind) for r in rows] == [
        (1, "8", "B", "confusable"),
        (2, "B", "B", "same"),
        (3, "6", "6", "same"),
        (4, "2", "1", "different"),
        (5, "3", "3", "same"),
        (6, "2", "2", "same"),
    ]


def test_compare_shows_missing_and_extra_characters() -> None:
    assert [r.kind for r in compare("AN674", "AN0674")] == ["same", "same", "missing", "same", "same", "same"]
    assert compare("1AN0674", "AN0674")[0].kind == "extra"
    assert compare("", "") == []


def test_every_known_plate_fits_the_longest_length() -> None:
    assert all(len(fmt.example) <= MAX_PLATE_LENGTH for fmt in all_formats())
