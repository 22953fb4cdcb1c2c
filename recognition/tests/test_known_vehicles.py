"""Whoever goes on with a camera does not give out what was given out before and is still in view."""

from datetime import timedelta
from uuid import UUID

from recognition.stays import Stay
from recognition.tests.test_tracking import START, Scripted, frames, growing
from recognition.tests.test_tracking import read as read_of
from recognition.tracking import Known, PassageBuilder, TrackingRules, passages
from recognition.types import Frame
from recognition.zones import Area, Zones


def before(*plates: str) -> Known:
    """Passages of a minute ago."""
    return {plate: (UUID(int=number), START - timedelta(minutes=1)) for number, plate in enumerate(plates)}


def given(texts: list[str], known: list[str], *, later: float = 0.0) -> list[str]:
    """What is given out of a vehicle with these reads that comes into view so many seconds later."""
    first, *rest = frames(len(texts) + 1)
    shown = [
        first,
        *(Frame(one.image, one.captured_at + timedelta(seconds=later), one.number) for one in rest),
    ]
    script = [[], *([read_of(text, growing(i))] for i, text in enumerate(texts))]
    return [passage.read.text for passage in passages(shown, Scripted(script), known=before(*known))]


def test_a_vehicle_that_never_left_is_not_given_out_again() -> None:
    assert given(["BB6232RB"] * 8, []) == ["BB6232RB"]
    assert given(["BB6232RB"] * 8, ["AN0674RB", "BB6232RB"]) == []
    assert given(["BB6232RB"] * 8, ["BB6232"]) == [], "with or without its country mark"


def test_one_that_comes_back_later_is_another_passage() -> None:
    quiet = TrackingRules().quiet
    assert given(["BB6232RB"] * 8, ["BB6232RB"], later=quiet - 1) == []
    assert given(["BB6232RB"] * 8, ["BB6232RB"], later=quiet + 1) == ["BB6232RB"]


def test_a_misread_of_before_does_not_hide_the_right_text() -> None:
    assert given(["BB6232RB"] * 8, ["B86232RB", "BB6237RB"]) == ["BB6232RB"]


def test_one_that_never_left_and_stays_is_not_given_out_at_the_end() -> None:
    script = [[read_of("BB6232RB", growing(0))] for _ in range(300)]
    builder = PassageBuilder(Scripted(script), known=before("BB6232RB"))
    assert [passage for frame in frames(300) for passage in builder.add(frame)] == []
    assert builder.finish() == []


def test_the_stay_of_one_that_never_left_goes_on_under_its_passage() -> None:
    whole = Area(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    told: list[Stay] = []
    script = [[read_of("BB6232RB", growing(0))] for _ in range(300)]
    zones = Zones(parking=(whole,))
    known = before("BB6232RB")
    assert list(passages(frames(300), Scripted(script), zones=zones, on_stay=told.append, known=known)) == []
    assert {(stay.passage_id, stay.captured_at) for stay in told} == set(known.values())
