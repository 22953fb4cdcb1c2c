"""Formats weigh what the reader saw; they never force it."""

import numpy as np
import pytest

from recognition.boxes import area, corners, cut, overlap, padded, shared_length
from recognition.colours import plate_colour
from recognition.engines.assembly import plate_lines, stacked_pairs, text_of
from recognition.engines.pipeline import could_be_plate, joint_confidence
from recognition.engines.rapid_reader import decode
from recognition.reading import CharRead, Spelling, TextLine, plausibility, rank, rank_spellings, together
from recognition.synthesis import draw_plate
from recognition.types import Frame


def chars(text: str, sure: float = 0.98) -> tuple[CharRead, ...]:
    return tuple(CharRead({char: sure}) for char in text)


def line(text: str, x1: float, y1: float, x2: float, y2: float) -> TextLine:
    return TextLine(chars(text), corners((x1, y1, x2, y2)))


def test_a_doubtful_digit_becomes_the_letter_that_the_format_wants_and_raw_stays() -> None:
    read = (CharRead({"8": 0.7, "B": 0.28}), *chars("B6232RB"))
    ranked = rank((*chars("A"), *read[1:]))
    assert ranked.text == "AB6232RB"
    doubtful = rank((*chars("A"), read[0], *chars("6232RB")))
    assert doubtful.raw_text == "A86232RB"
    assert doubtful.text == "AB6232RB"
    assert doubtful.candidates[0].likelihood > doubtful.candidates[1].likelihood


def test_a_sure_read_of_an_unknown_format_is_left_alone() -> None:
    ranked = rank(chars("MXK7C41P", 0.999))
    assert ranked.text == ranked.raw_text == "MXK7C41P"
    assert ranked.countries == ()


def test_a_ghost_before_the_plate_is_dropped_when_the_reader_doubts_it() -> None:
    ranked = rank((*chars("2A"), CharRead({"1": 0.5}), *chars("9402RB")))
    assert ranked.text == "2A9402RB"
    assert len(ranked.char_confidences) == len(ranked.text)


def test_likelihoods_and_confidences_are_shares() -> None:
    ranked = rank(chars("BB6232RB", 0.9))
    assert sum(c.likelihood for c in ranked.candidates) <= 1 + 1e-9
    assert 0 < ranked.confidence < 1
    assert all(0 <= value <= 1 for value in ranked.char_confidences)
    assert rank(()).text == ""


def test_benin_is_more_plausible_than_a_neighbour_than_nothing() -> None:
    assert plausibility("BB6232RB") > plausibility("ABC123DE") > plausibility("ABCDEFG") > 0
    assert plausibility("AN0674") > plausibility("OI0674")


def test_the_ctc_rule_merges_runs_and_keeps_doubles_apart() -> None:
    columns = [[i + 1] for i in range(36)]
    steps = np.full((6, 38), 0.001, dtype=np.float32)
    for step, column in enumerate((1, 1, 0, 1, 37, 2)):
        steps[step, column] = 0.95
    assert "".join(read.best for read in decode(steps, columns)) == "AAB"


def test_lines_side_by_side_and_stacked_are_put_in_reading_order() -> None:
    side = plate_lines([line("RB", 90, 6, 110, 20), line("BB6232", 0, 0, 88, 22)])
    assert side is not None
    assert (text_of(side[0]), side[1]) == ("BB6232RB", "one_line")
    stacked = plate_lines([line("9402RB", 0, 26, 80, 48), line("2A", 5, 0, 45, 24)])
    assert stacked is not None
    assert (text_of(stacked[0]), stacked[1]) == ("2A9402RB", "two_line")


def test_a_flag_read_as_a_character_is_left_out() -> None:
    flagged = [line("2A", 18, 20, 65, 53), line("1", 82, 28, 96, 41), line("9402RB", 15, 54, 105, 84)]
    chosen = plate_lines(flagged)
    assert chosen is not None
    assert text_of(chosen[0]) == "2A9402RB"


def test_rows_of_a_tilted_plate_are_not_taken_for_one_row() -> None:
    chosen = plate_lines([line("2A", 22, 22, 60, 52), line("9402RB", 13, 36, 100, 75)])
    assert chosen is not None
    assert (text_of(chosen[0]), chosen[1]) == ("2A9402RB", "two_line")


def test_small_print_and_a_dealers_name_are_left_out() -> None:
    chosen = plate_lines(
        [line("BB6232RB", 0, 0, 100, 22), line("BENIN", 30, 24, 60, 29), line("AUTO", 0, 30, 90, 42)]
    )
    assert chosen is not None
    assert (text_of(chosen[0]), chosen[1]) == ("BB6232RB", "one_line")
    assert plate_lines([]) is None


def test_only_neighbouring_lines_of_like_height_are_stacked() -> None:
    upper = line("2A", 0, 0, 40, 20)
    assert list(stacked_pairs([upper, line("9402", 0, 24, 60, 46)]))
    assert not list(stacked_pairs([upper, line("9402", 0, 80, 60, 100)]))
    assert not list(stacked_pairs([upper, line("9402", 200, 24, 260, 46)]))


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("BB6232RB", True),
        ("ABC1D23", True),
        ("TOYOTA", False),
        ("PHARMACIE", False),
        ("B1", False),
        ("PRRB", True),
    ],
)
def test_badges_and_signs_are_no_plates(text: str, plate: bool) -> None:
    assert could_be_plate(rank(chars(text, 0.999))) is plate


def test_joint_confidence_falls_only_where_the_detector_doubts() -> None:
    assert joint_confidence(0.9, 0.5) == joint_confidence(0.9, 0.9) == 0.9
    assert joint_confidence(0.9, 0.25) == pytest.approx(0.45)


@pytest.mark.parametrize("colour", ["white", "orange", "blue", "red"])
@pytest.mark.parametrize("light", [1.0, 0.35])
def test_the_background_colour_is_measured_by_day_and_at_dusk(colour: str, light: float) -> None:
    pixels = np.asarray(draw_plate("AB1234RB", colour=colour).convert("RGB").reduce(8)) * light
    assert plate_colour(pixels.astype(np.uint8)) == colour


def test_no_colour_is_named_where_none_prevails(rng: np.random.Generator) -> None:
    assert plate_colour(rng.integers(0, 255, (20, 80, 3), dtype=np.uint8)) == ""


def test_boxes() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (20, 0, 30, 10)) == 0
    assert overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0
    assert area((5, 5, 2, 9)) == 0
    assert padded((10, 10, 20, 20), 0.2, 21, 100) == (8, 8, 21, 22)
    assert cut(np.zeros((10, 10, 3), np.uint8), (8, 8, 40, 40)).shape == (2, 2, 3)
    assert shared_length((0, 10), (5, 30)) == 0.5


def test_a_frame_needs_a_time_zone() -> None:
    from datetime import datetime

    with pytest.raises(ValueError, match="time zone"):
        Frame(np.zeros((20, 20, 3), np.uint8), datetime(2025, 1, 1), 0)  # noqa: DTZ001


def spelled(**chances: float) -> list[Spelling]:
    return [Spelling(text, chance) for text, chance in chances.items()]


def test_two_readers_together_prefer_what_both_hold_possible() -> None:
    ours, theirs = spelled(AB1234=0.6, A81234=0.4), spelled(A81234=0.7, A8I234=0.3)
    both = together(ours, theirs)
    assert both[0].text == "A81234"
    assert both[0].chance > 0.9
    assert {one.text for one in both} == {"AB1234", "A81234", "A8I234"}
    assert sum(one.chance for one in both) <= 1


def test_a_reader_that_reads_nothing_has_no_say() -> None:
    ours = spelled(AB1234=0.6)
    assert together(ours, []) == together([], ours) == ours


def test_a_line_or_a_mark_that_the_second_reader_missed_is_not_cut_off() -> None:
    ours = spelled(BB6232RB=0.7, BB6232=0.1)
    assert together(ours, spelled(BB6232=0.9))[0].text == "BB6232RB"
    assert together(ours, spelled(**{"6232RB": 0.9}))[0].text == "BB6232RB"
    # Where both doubt the mark, it goes.
    assert together(spelled(BB6232RB=0.1, BB6232=0.7), spelled(BB6232=0.9))[0].text == "BB6232"


def test_a_general_reader_does_not_decide_between_ring_and_nought() -> None:
    both = together(spelled(**{"5O4691RB": 0.9}), spelled(**{"504691RB": 0.9}))
    ranked = rank_spellings(both, "5O4691RB", layout="two_line")
    assert ranked.text == "5O4691RB"
    assert ranked.candidates[1].text == "504691RB"
