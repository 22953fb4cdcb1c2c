"""How reads add up: confidence grows with agreement, falls with disagreement, and memory stays small."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recognition.boxes import corners
from recognition.formats import match_formats
from recognition.track import Track
from recognition.types import RGB, Box, Candidate, Frame, ObjectKind, PlateRead, SeenObject
from recognition.voting import Ballot, read_weight

START = datetime(2025, 6, 1, 12, tzinfo=UTC)
NOISE: RGB = np.random.default_rng(1).integers(0, 255, (400, 640, 3), dtype=np.uint8)
BOX: Box = (100, 100, 200, 140)


def read(text: str, confidence: float = 0.8, *others: tuple[str, float], box: Box = BOX) -> PlateRead:
    return PlateRead(
        text=text, raw_text=text, confidence=confidence, detection_confidence=0.8,
        recognition_confidence=confidence, box=box, polygon=corners(box), layout="one_line",
        char_confidences=(0.95,) * len(text),
        candidates=(Candidate(text, confidence), *(Candidate(*other) for other in others)),
        countries=tuple(match_formats(text)),
    )  # fmt: skip


def ballot(*reads: PlateRead) -> Ballot:
    filled = Ballot()
    for one in reads:
        filled.add(one, 1.0)
    return filled


def track(*reads: PlateRead) -> Track:
    made = Track()
    for n, one in enumerate(reads):
        made.add(one, Frame(NOISE, START + timedelta(seconds=n / 10), n), 1.0)
    return made


def test_one_read_keeps_its_confidence() -> None:
    assert ballot(read("BB6232RB", 0.8)).vote().confidence == pytest.approx(0.8)


def test_agreeing_reads_are_worth_more_than_one_but_are_not_independent() -> None:
    three, ten, hundred = (ballot(*[read("BB6232RB", 0.8)] * n).vote().confidence for n in (3, 10, 100))
    assert 0.8 < three == pytest.approx(0.89, abs=0.01)
    assert three < ten == pytest.approx(0.94, abs=0.01)
    assert hundred == pytest.approx(ten)


def test_a_read_that_disagrees_costs_confidence_and_is_told() -> None:
    vote = ballot(*[read("BB6232RB", 0.9)] * 4, read("BB6237RB", 0.9)).vote()
    assert vote.confidence == pytest.approx(0.85, abs=0.01)
    assert [c.text for c in vote.candidates] == ["BB6232RB", "BB6237RB"]
    assert sum(c.likelihood for c in vote.candidates) <= 1


def test_two_texts_read_as_often_leave_the_passage_in_doubt() -> None:
    passage = track(*[read("BB6232RB"), read("BB6237RB")] * 4).passage()
    assert passage.read.confidence < 0.55
    assert {c.text for c in passage.read.candidates} == {"BB6232RB", "BB6237RB"}


def test_a_reader_that_wavers_in_every_frame_is_not_made_sure_by_many_frames() -> None:
    wavering = ballot(*[read("AB1230RB", 0.6, ("AD1230RB", 0.38))] * 50).vote()
    assert wavering.confidence < 0.75
    assert wavering.candidates[1].text == "AD1230RB"
    assert wavering.candidates[1].likelihood > 0.2


def test_a_sure_read_outweighs_two_doubtful_ones() -> None:
    filled = Ballot()
    filled.add(read("BB6232RB", 0.95), 0.9)
    for _ in range(2):
        filled.add(read("BB6237RB", 0.4), 0.1)
    assert filled.vote().text == "BB6232RB"


def test_reads_that_each_miss_another_character_spell_the_text_together() -> None:
    odd = ["BB6292RB", "BB7232RB", "8B6232RB", "BB6238RB"]
    vote = ballot(*[replace(read(text, 0.5), char_confidences=(0.9,) * 8) for text in odd]).vote()
    assert vote.text == "BB6232"
    assert {c.text for c in vote.candidates[1:]} == set(odd)
    assert vote.confidence < 0.8


def test_a_text_that_most_reads_agree_on_is_never_put_together() -> None:
    texts = ["BB6232RB"] * 3 + ["BB7299RB", "BB7298RB"]
    assert ballot(*[read(text) for text in texts]).vote().text == "BB6232RB"


def test_a_plate_cut_by_the_edge_counts_less_and_is_not_the_best_picture() -> None:
    whole, part = read("BB6232RB", 0.8), read("BB6232RB", 0.9, box=(0, 100, 100, 140))
    assert read_weight(NOISE, part) < 0.5 * read_weight(NOISE, whole)
    assert track(part, whole, part).passage().read.box == whole.box


def test_the_best_picture_agrees_with_the_vote() -> None:
    odd = read("BB6237RB", 0.99, box=(100, 100, 220, 150))
    passage = track(odd, *[read("BB6232RB", 0.7)] * 5).passage()
    assert passage.read.text == "BB6232RB"
    assert passage.read.box == BOX


def test_hours_of_odd_reads_do_not_fill_the_memory() -> None:
    filled = Ballot()
    for n in range(3000):
        filled.add(read("BB6232RB" if n % 3 == 0 else f"AB{1000 + n}RB", 0.7), 0.5)
    assert filled.vote().text == "BB6232RB"
    assert len(filled._vehicles) <= 48


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([("car", 0.6)] * 4 + [("truck", 0.9)], "car"),
        ([("bus", 0.5), ("truck", 0.5)], ""),
        ([("bicycle", 0.7), ("motorcycle", 0.6)], "motorcycle"),
        ([("person", 0.9)], ""),
        ([], ""),
    ],
)
def test_the_kind_of_vehicle_is_voted(kinds: list[tuple[ObjectKind, float]], expected: str) -> None:
    reads = [
        replace(read("BB6232RB"), vehicle=SeenObject(kind, score, (60, 20, 260, 180)))
        for kind, score in kinds
    ]
    assert track(*(reads or [read("BB6232RB")])).passage().vehicle_type == expected


def test_an_empty_ballot_has_no_vote() -> None:
    with pytest.raises(ValueError, match="Nobody"):
        Ballot().vote()
