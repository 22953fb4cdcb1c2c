"""The figures that the recognition benchmark prints."""

from pathlib import Path

import pytest

from benchmarks.__main__ import asked, names
from benchmarks.recognition.cases import Case, Guess
from benchmarks.recognition.metrics import confusions, edits, reliability, score
from benchmarks.recognition.real import corrections
from benchmarks.recognition.report import Section, write


def case(text: str) -> Case:
    return Case(text, Path(f"{text}.jpg"), text, "one_line")


def test_a_score_tells_exact_reads_from_folded_ones_and_from_those_without_the_mark() -> None:
    cases = [case("BB6232RB"), case("AO1234RB"), case("AB1234RB"), case("CD9999RB")]
    found = score(cases, [Guess("BB6232RB"), Guess("A01234RB"), Guess("AB1234"), Guess()])
    assert (found.exact, found.folded, found.vehicle, found.found) == (0.25, 0.5, 0.5, 0.75)
    assert found.error_rate == pytest.approx((0 + 1 + 2 + 8) / 32)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", 0),
        ("AB12", "AB12", 0),
        ("AB12", "A12", 1),
        ("AB12", "XAB12", 1),
        ("AB12", "BA12", 2),
        ("", "AB", 2),
    ],
)
def test_edits_count_the_fewest_changes(first: str, second: str, expected: int) -> None:
    assert edits(first, second) == expected


def test_a_confidence_that_keeps_its_promise_has_no_calibration_error() -> None:
    cases = [case("AB1234")] * 4
    kept, bins = reliability(
        cases, [Guess("AB1234", confidence=0.75)] * 3 + [Guess("AB1235", confidence=0.75)]
    )
    assert kept == pytest.approx(0.0)
    assert [(one.reads, one.right) for one in bins] == [(4, 0.75)]
    broken, _ = reliability(cases, [Guess("XX", confidence=0.9)] * 4)
    assert broken == pytest.approx(0.9)


def test_confusions_are_counted_in_reads_of_the_right_length_only() -> None:
    cases = [case("B8"), case("B8"), case("B8")]
    assert confusions(cases, [Guess("BB"), Guess("BB"), Guess("B88")]) == {"8>B": 2}


def test_corrections_replace_a_label_by_another_of_the_same_length() -> None:
    found = corrections()
    assert found
    assert all(wrong != right and len(wrong) == len(right) for (_, wrong), right in found.items())


def test_sections_of_other_runs_stay_in_the_result(tmp_path: Path) -> None:
    path = tmp_path / "recognition.md"
    write(path, {"a": Section("First", ["one"], {"x": 1})}, "command a")
    text = write(path, {"b": Section("Second", ["two"], {})}, "command b")
    assert "## First\n\none\n" in text
    assert "## Second\n\ntwo\n" in text
    assert path.read_text(encoding="utf-8") == text


def test_words_after_a_dash_belong_to_the_benchmark() -> None:
    assert asked(["recognition", "--limit", "3"]) == (["recognition"], ["--limit", "3"])
    assert asked([]) == ([], [])
    assert {"recognition", "end_to_end"} <= set(names())
