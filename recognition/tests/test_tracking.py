"""One passage per vehicle, in time, with the votes of all its reads. The engine is scripted."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recognition.boxes import corners
from recognition.formats import match_formats
from recognition.track import Track
from recognition.tracking import PassageBuilder, passages, read_photo
from recognition.types import RGB, Box, Candidate, Frame, Passage, PlateRead
from recognition.voting import read_quality

START = datetime(2025, 6, 1, 12, tzinfo=UTC)
FPS = 10


def read(text: str, box: Box, confidence: float = 0.9, layout: str = "one_line") -> PlateRead:
    return PlateRead(
        text=text, raw_text=text, confidence=confidence, detection_confidence=0.8,
        recognition_confidence=confidence, box=box, polygon=corners(box),
        layout="two_line" if layout == "two_line" else "one_line",
        candidates=(Candidate(text, 0.95),), countries=tuple(match_formats(text, layout=layout)),
    )  # fmt: skip


class Scripted:
    """An engine that gives prepared reads, one list per frame."""

    name, version = "scripted", "1"

    def __init__(self, script: Sequence[Sequence[PlateRead]]) -> None:
        self._script = list(script)
        self.calls: list[bool] = []

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        self.calls.append(thorough)
        return list(self._script[len(self.calls) - 1])

    def warm_up(self) -> None:
        pass


def frames(count: int) -> list[Frame]:
    noise = np.random.default_rng(1).integers(0, 255, (400, 640, 3), dtype=np.uint8)
    # Something moves from each to the next, or it would not be read.
    return [Frame(noise if i % 2 else ~noise, START + timedelta(seconds=i / FPS), i) for i in range(count)]


def run(script: Sequence[Sequence[PlateRead]]) -> list[Passage]:
    return list(passages(frames(len(script)), Scripted(script)))


def growing(i: int) -> Box:
    return 200 - 2 * i, 200, 340 + 4 * i, 240 + 2 * i


def test_a_near_plate_is_given_out_at_the_third_agreeing_read_and_never_again() -> None:
    script = [[read("BB6232RB", growing(i))] for i in range(20)]
    builder = PassageBuilder(Scripted(script))
    given = [(frame.number, p) for frame in frames(20) for p in builder.add(frame)]
    assert [number for number, _ in given] == [2]
    assert builder.finish() == []
    assert given[0][1].reads == 3
    assert given[0][1].first_seen == START


def test_a_far_plate_waits_but_not_longer_than_two_seconds() -> None:
    script = [[read("BB6232RB", (100, 100, 160, 118))] for _ in range(40)]
    builder = PassageBuilder(Scripted(script))
    assert [frame.number for frame in frames(40) for _ in builder.add(frame)] == [20]


def test_disagreeing_reads_are_outvoted_and_kept_as_candidates() -> None:
    texts = ["BB6232RB", "BB6237RB", "BB6232RB", "BB6232RB", "BB6232RB"]
    (passage,) = run([[read(text, growing(i))] for i, text in enumerate(texts)])
    assert passage.read.text == "BB6232RB"
    assert [c.text for c in passage.read.candidates][:2] == ["BB6232RB", "BB6237RB"]
    assert passage.read.confidence < 0.9


def test_reads_with_and_without_the_mark_are_one_vehicle() -> None:
    texts = ["BB6232", "BB6232RB", "BB6232", "BB6232RB", "BB6232"]
    (passage,) = run([[read(text, (100, 100, 160, 118))] for text in texts])
    assert passage.read.text == "BB6232RB"


def test_two_vehicles_side_by_side_keep_their_own() -> None:
    script = [
        [read("BB6232RB", growing(i)), read("2A9402RB", (500 - i, 300, 570 - i, 350), layout="two_line")]
        for i in range(8)
    ]
    found = {p.read.text: p for p in run(script)}
    assert set(found) == {"BB6232RB", "2A9402RB"}
    assert found["2A9402RB"].vehicle_type == "motorcycle"
    assert found["BB6232RB"].vehicle_type == ""


def test_two_crossing_cars_keep_their_own() -> None:
    script = [
        [
            read("BB6232RB", (10 + 30 * i, 200, 130 + 30 * i, 240)),
            read("AN0674RB", (400 - 30 * i, 205, 520 - 30 * i, 245)),
        ]
        for i in range(12)
    ]
    assert sorted(p.read.text for p in run(script)) == ["AN0674RB", "BB6232RB"]


def test_the_next_car_on_the_same_spot_is_a_new_passage() -> None:
    box = (100.0, 100.0, 260.0, 140.0)
    script = [[read("BB6232RB", box)]] * 5 + [[]] * 3 + [[read("AN0674RB", box)]] * 5
    assert [p.read.text for p in run(script)] == ["BB6232RB", "AN0674RB"]


def test_a_parked_car_is_one_passage_even_when_hidden_for_a_while() -> None:
    box = (100.0, 100.0, 260.0, 140.0)
    script = [[read("BB6232RB", box)]] * 30 + [[]] * 50 + [[read("BB6232RB", box)]] * 300
    assert len(run(script)) == 1


def test_the_same_car_an_hour_later_is_a_new_passage() -> None:
    builder = PassageBuilder(Scripted([[read("BB6232RB", growing(i))] for i in range(6)]))
    given = []
    for i, frame in enumerate(frames(6)):
        late = replace(frame, captured_at=frame.captured_at + timedelta(hours=i // 3))
        given += builder.add(late)
    assert len(given) == 2


def test_a_lone_read_counts_only_when_it_is_sure() -> None:
    assert [p.read.text for p in run([[read("BB6232RB", growing(0), 0.9)], []])] == ["BB6232RB"]
    assert run([[read("BB6232RB", growing(0), 0.4)], []]) == []


def test_an_unseen_vehicle_is_closed_after_the_gap() -> None:
    script = [[read("BB6232RB", (100, 100, 160, 118))]] * 2 + [[]] * 30
    builder = PassageBuilder(Scripted(script))
    assert [frame.number for frame in frames(32) for _ in builder.add(frame)] == [22]


@pytest.mark.parametrize(("step", "direction"), [(1, "approaching"), (-1, "leaving"), (0, "")])
def test_direction_follows_the_growth_of_the_plate(step: int, direction: str) -> None:
    track = Track()
    for i, frame in enumerate(frames(10)):
        track.add(read("BB6232RB", (100, 100, 200, 140 + 3 * step * i)), frame, 1.0)
    assert track.passage().direction == direction


def test_the_best_picture_is_the_sharp_and_large_one() -> None:
    (blurred, sharp, *_) = frames(2)
    grey = replace(blurred, image=np.full_like(blurred.image, 128))
    track = Track()
    track.add(read("BB6232RB", (100, 100, 200, 140)), sharp, 5.0)
    track.add(read("BB6232RB", (100, 100, 200, 140)), grey, 5.0)
    passage = track.passage()
    assert passage.frame is sharp
    assert passage.crop.shape == (40, 100, 3)
    assert passage.processing_ms == 10
    assert read_quality(grey.image, (0, 0, 100, 40)) < read_quality(sharp.image, (0, 0, 100, 40))


def test_streams_are_searched_fast_and_photos_thoroughly() -> None:
    engine = Scripted([[read("BB6232RB", growing(0))], [read("BB6232RB", growing(0))]])
    list(passages(frames(1), engine))
    (passage,) = read_photo(frames(1)[0].image, START, engine)
    assert engine.calls == [False, True]
    assert (passage.reads, passage.captured_at, passage.read.text) == (1, START, "BB6232RB")


def test_a_source_that_breaks_off_gives_what_was_in_view_and_then_its_error() -> None:
    class BrokenError(Exception):
        pass

    def source() -> Iterator[Frame]:
        yield from frames(2)
        raise BrokenError

    engine = Scripted([[read("BB6232RB", (100, 100, 160, 118))]] * 2)
    given: list[Passage] = []
    with pytest.raises(BrokenError):
        given.extend(passages(source(), engine))
    assert [(passage.read.text, passage.reads) for passage in given] == [("BB6232RB", 2)]


def test_an_empty_track_has_no_passage() -> None:
    with pytest.raises(ValueError, match="no read"):
        Track().passage()


def test_without_new_frames_a_vehicle_that_left_is_not_kept_waiting() -> None:
    engine = Scripted([[read("BB6232RB", growing(0))]])
    live = iter([frames(1)[0], None])
    stream = passages(live, engine)
    assert next(stream).read.text == "BB6232RB"
    assert engine.calls == [False]


@pytest.mark.parametrize(
    ("colours", "voted"),
    [(["orange", "", "orange"], "orange"), (["white", "blue", ""], ""), (["", "", ""], "")],
)
def test_the_plates_colour_is_voted_and_untold_in_doubt(colours: list[str], voted: str) -> None:
    script = [[replace(read("BB6232RB", growing(i)), plate_colour=c)] for i, c in enumerate(colours)]
    (passage,) = run(script)
    assert passage.read.plate_colour == voted
