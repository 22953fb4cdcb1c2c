"""The search against a plain scan in Python: each mode finds exactly the same passages."""

import itertools
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from cameras.models import Camera
from detections import feed
from detections.models import Detection, SeenPlate
from detections.passages import NewPassage
from detections.search import Criteria, Found, Match, Mode, Place, SearchRefusedError, dictionary, find
from detections.search.engine import MOST_PLATES
from detections.services import record
from recognition import plates
from recognition.characters import ALPHABET, CONFUSABLE_CLASSES, fold_characters
from recognition.tests.test_likeness import distance

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]
LETTERS, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
WANTED = ("BB6232RB", "2A9402RB", "TG1958DR", "ABC123DE", "OFFICIEL123RB")


def criteria(mode: Mode, plate: str, **changes: Any) -> Criteria:
    now = timezone.now()
    fields: dict[str, Any] = {"since": now - timedelta(days=30), "until": now + timedelta(minutes=1)}
    return Criteria(mode=mode, plate=plate, **(fields | changes))


def all_of(asked: Criteria, size: int = 500) -> list[Match]:
    """Every match, page after page."""
    matches: list[Match] = []
    place = None
    while True:
        found = find(asked, passages=Detection.objects.all(), place=place, size=size)
        matches += found.matches
        if found.older is None:
            return matches
        place = found.older


def misread(plate: str, chance: random.Random, changes: int) -> str:
    text = list(plate)
    for _ in range(changes):
        place = chance.randrange(len(text))
        match chance.randrange(5):
            case 0 if len(text) > 2:
                del text[place]
            case 1 if len(text) < 16:
                text.insert(place, chance.choice(ALPHABET))
            case 2:
                text[place] = chance.choice(ALPHABET)
            case _:
                kin = [kind for kind in CONFUSABLE_CLASSES.values() if text[place] in kind]
                text[place] = chance.choice(sorted(kin[0])) if kin else text[place]
    return "".join(text)


@pytest.fixture
def stored(new_passage: New) -> list[Detection]:
    """1,200 passages of a month: ordinary plates, and misreads of the wanted ones."""
    chance, now, seeded = random.Random(5), timezone.now(), []
    for number in range(1200):
        if number % 3:
            letters = "".join(chance.choices(LETTERS, k=2))
            plate = letters + "".join(chance.choices(DIGITS, k=4)) + chance.choice(("", "RB"))
        else:
            plate = misread(chance.choice(WANTED), chance, chance.randrange(4))
        when = now - timedelta(minutes=chance.randrange(29 * 24 * 60))
        sure = [round(chance.random(), 2) for _character in plate]
        seeded.append(new_passage(plate, detected_at=when, char_confidences=sure))
    assert {outcome.status for outcome in record(seeded)} == {"created"}
    return list(Detection.objects.all())


@pytest.fixture
def remembered(stored: list[Detection]) -> list[Detection]:
    """The same, once the dictionary knows them all."""
    assert feed.consume(dictionary.CONSUMER, dictionary.remember) == len(stored)
    return stored


def fits(pattern: str, plate: str) -> bool:
    """Whether a plate fits a pattern, with or without a country mark beyond it."""
    body = "".join({"?": ".", "*": ".*"}.get(one, one) for one in pattern)
    ends = "" if pattern.endswith("*") else "(RB|RN|BF)?"
    starts = "" if pattern.startswith("*") else "(TG)?"
    return bool(re.fullmatch(body + ends, plate) or re.fullmatch(starts + body, plate))


PATTERNS = [
    "BB6*",
    "BB6?32",
    "*6232*",
    "*232RB",
    "BB?2*2",
    "*FICI*",
    "2A94??RB",
    "TG*",
    "BB6232",
    "AA*ZZ9*RB",
]


KNOWN = pytest.mark.parametrize("known", ["stored", "remembered"])


@KNOWN
def test_a_pattern_finds_what_a_scan_finds(request: pytest.FixtureRequest, known: str) -> None:
    passages = request.getfixturevalue(known)
    for pattern in PATTERNS:
        matches = all_of(criteria(Mode.WILDCARD, pattern))
        wanted = {passage.pk for passage in passages if fits(pattern, passage.plate_number)}
        assert [match.passage.pk for match in matches] == in_order(wanted, passages), pattern
        assert wanted or pattern == PATTERNS[-1]


def in_order(wanted: set[int], passages: list[Detection]) -> list[int]:
    found = [passage for passage in passages if passage.pk in wanted]
    return [one.pk for one in sorted(found, key=lambda one: (one.detected_at, one.pk), reverse=True)]


def test_a_whole_plate_is_found_with_and_without_its_mark(remembered: list[Detection]) -> None:
    for plate in ("BB6232RB", "bb-6232", "2A9402", "1958DR", "ABC 123 DE", "ZZ9999"):
        core = plates.core(plate)
        wanted = {passage.pk for passage in remembered if plates.core(passage.plate_number) == core}
        matches = all_of(criteria(Mode.EXACT, plate))
        assert [match.passage.pk for match in matches] == in_order(wanted, remembered), plate
        assert {(match.kind, match.score) for match in matches} <= {("same", 1.0)}


def apart(read: str, wanted: str) -> int:
    """Edits between keys, whether or not the mark was known as one; one at most within the mark."""
    key, got = plates.fold(wanted), plates.fold(read)
    found = [distance(got, key)]
    for number, form in enumerate(map(fold_characters, plates.marked(wanted))):
        found += [edits for edits in [distance(got, form)] if edits <= 1]
        head, _key, tail = form.partition(key)
        if not number and got.startswith(head) and got.endswith(tail):
            found.append(distance(got[len(head) : len(got) - len(tail)], key))
    return min(found)


@KNOWN
def test_near_misses_are_those_a_scan_finds(request: pytest.FixtureRequest, known: str) -> None:
    passages = request.getfixturevalue(known)
    for plate, edits in itertools.product(WANTED, (0, 1, 2)):
        matches = all_of(criteria(Mode.FUZZY, plate, max_edits=edits))
        wanted = {one.pk for one in passages if apart(one.plate_number, plate) <= edits}
        assert {match.passage.pk for match in matches} == wanted, (plate, edits)
        assert len(matches) == len(wanted) > 5, "each once"
        kinds = {match.kind for match in matches}
        assert kinds == ({"same", "confusable", "edited"} if edits else {"same", "confusable"})


def test_near_misses_come_nearest_plate_first_and_say_why(new_passage: New) -> None:
    now = timezone.now()
    texts = ("BB6232RB", "8B6232", "BB6237RB", "BB623RB", "KK0000")
    record([new_passage(text, detected_at=now - timedelta(hours=5 - at)) for at, text in enumerate(texts)])
    matches = all_of(criteria(Mode.FUZZY, "BB6232", max_edits=1))
    found = [match.passage.plate_number for match in matches]
    assert found == ["BB6232RB", "8B6232", "BB623RB", "BB6237RB"]
    scores = [match.score for match in matches]
    assert scores == sorted(scores, reverse=True)
    confused = matches[1].characters[0]
    assert (confused.position, confused.read, confused.listed, confused.kind) == (1, "8", "B", "confusable")


@pytest.mark.parametrize("typed", ["BB6232RB", "BB6232"])
@pytest.mark.parametrize(("read", "place"), [("BBX232RB", 3), ("BB6J32RB", 4), ("BB6232PB", 7)])
def test_one_error_is_one_error_where_the_mark_was_read(
    typed: str, read: str, place: int, new_passage: New
) -> None:
    record([new_passage(read)])
    [match] = all_of(criteria(Mode.FUZZY, typed, max_edits=1))
    assert [one.position for one in match.characters if one.kind == "different"] == [place]
    assert [one.kind for one in match.characters].count("same") == 7
    assert match.score == 0.7


def test_a_passage_is_found_at_once_before_the_dictionary_knows_it(new_passage: New) -> None:
    record([new_passage("KX1234RB")])
    assert not SeenPlate.objects.exists()
    for mode, text in ((Mode.EXACT, "KX1234"), (Mode.WILDCARD, "*X123*"), (Mode.FUZZY, "KX1284")):
        assert len(all_of(criteria(mode, text))) == 1, mode
    feed.consume(dictionary.CONSUMER, dictionary.remember)
    for mode, text in ((Mode.EXACT, "KX1234"), (Mode.WILDCARD, "*X123*"), (Mode.FUZZY, "KX1284")):
        assert len(all_of(criteria(mode, text))) == 1, mode


def test_a_dictionary_far_behind_is_said(new_passage: New, monkeypatch: pytest.MonkeyPatch) -> None:
    record([new_passage(f"KX123{number}RB") for number in range(4)])
    asked = criteria(Mode.WILDCARD, "KX123*")
    monkeypatch.setattr(dictionary, "FRESH_MOST", 3)
    found = find(asked, passages=Detection.objects.all())
    assert found.lags
    assert len(found.matches) == 4, "one more than promised"
    monkeypatch.setattr(dictionary, "FRESH_MOST", 4)
    assert not find(asked, passages=Detection.objects.all()).lags


def test_time_cameras_and_area_narrow(new_passage: New, camera: Camera) -> None:
    north = Camera.objects.create(name="Porga", code="porga", latitude="11.05", longitude="0.97")
    nowhere = Camera.objects.create(name="Mobile", code="mobile")
    now = timezone.now()
    for at, place in enumerate((camera, north, nowhere)):
        record([new_passage("BB6232RB", camera=place, detected_at=now - timedelta(hours=at))])

    def places(**changes: Any) -> list[str]:
        asked = criteria(Mode.FUZZY, "BB6232", **changes)
        return [match.passage.camera.code for match in all_of(asked)]

    assert places() == [camera.code, "porga", "mobile"]
    assert places(cameras=(north.pk, nowhere.pk)) == ["porga", "mobile"]
    south = {"type": "Polygon", "coordinates": [[[2, 6], [3, 6], [3, 7], [2, 7], [2, 6]]]}
    assert places(area=south) == [camera.code]
    assert places(area=south, cameras=(north.pk,)) == []
    assert places(until=now - timedelta(minutes=30)) == ["porga", "mobile"]
    assert places(since=now - timedelta(hours=1)) == [camera.code, "porga"]
    moment = now - timedelta(hours=1)
    assert places(since=moment, until=moment + timedelta(microseconds=1)) == ["porga"], "the end is left out"


def pages(asked: Criteria, size: int) -> list[Found]:
    found, place = [], None
    while True:
        found.append(find(asked, passages=Detection.objects.all(), place=place, size=size))
        place = found[-1].older
        if place is None:
            return found
        assert Place.decode(place.encode()) == place


def test_pages_have_neither_gaps_nor_repeats_in_both_directions(remembered: list[Detection]) -> None:
    for mode, text, size in (
        (Mode.WILDCARD, "BB6*", 7),
        (Mode.FUZZY, "BB6232", 7),
        (Mode.EXACT, "BB6232", 3),
    ):
        asked = criteria(mode, text)
        whole = [match.passage.pk for match in all_of(asked)]
        forward = pages(asked, size)
        assert [match.passage.pk for page in forward for match in page.matches] == whole
        assert forward[0].newer is None
        place, back = forward[-1].newer, [forward[-1]]
        while place:
            back.append(find(asked, passages=Detection.objects.all(), place=place, size=size))
            place = back[-1].newer
        assert [match.passage.pk for page in back[::-1] for match in page.matches] == whole
        assert len(forward) > 3


def test_pages_hold_still_while_passages_arrive(remembered: list[Detection], new_passage: New) -> None:
    asked = criteria(Mode.EXACT, "BB6232")
    whole = [match.passage.pk for match in all_of(asked)]
    seen, place = [], None
    while True:
        found = find(asked, passages=Detection.objects.all(), place=place, size=3)
        seen += [match.passage.pk for match in found.matches]
        record([new_passage("BB6232RB")])
        place = found.older
        if place is None:
            break
    assert seen == whole


def test_a_pattern_that_very_many_plates_meet_is_read_newest_first(
    remembered: list[Detection], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = criteria(Mode.WILDCARD, "BB*")
    monkeypatch.setattr("detections.search.engine.MOST_PLATES", 15)
    assert find(asked, passages=Detection.objects.all()).plates is None
    wanted = {one.pk for one in remembered if one.plate_number.startswith(("BB", "TGBB"))}
    assert len(wanted) > 20
    assert [match.passage.pk for match in all_of(asked, size=50)] == in_order(wanted, remembered)


def test_of_too_many_near_misses_the_nearest_are_kept(
    remembered: list[Detection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detections.search.engine.MOST_PLATES", 20)
    found = find(criteria(Mode.FUZZY, "BB6232", max_edits=2), passages=Detection.objects.all(), size=500)
    near = {one.plate_number: apart(one.plate_number, "BB6232") for one in remembered}
    nearest = sorted((edits, plate) for plate, edits in near.items() if edits <= 2)[:20]
    assert found.cut
    assert {match.passage.plate_number for match in found.matches} == {plate for _edits, plate in nearest}


def test_a_search_that_takes_too_long_is_ended_and_says_what_to_do(
    remembered: list[Detection], settings: Any
) -> None:
    settings.SEARCH_TIMEOUT_MS = 1
    with pytest.raises(SearchRefusedError, match=r"trop de temps|too long") as refused:
        find(criteria(Mode.FUZZY, "OFFICIEL123", max_edits=2), passages=Detection.objects.all())
    assert refused.value.code == "too_slow"
    settings.SEARCH_TIMEOUT_MS = 5000
    assert find(criteria(Mode.EXACT, "BB6232"), passages=Detection.objects.all()).matches


@pytest.mark.parametrize(
    ("mode", "text", "code"),
    [
        (Mode.WILDCARD, "*", "too_short"),
        (Mode.WILDCARD, "?????", "too_short"),
        (Mode.WILDCARD, "*A?B*", "too_vague"),
        (Mode.WILDCARD, "A" * 40, "too_long"),
        (Mode.WILDCARD, "AB" + "?" * 40, "too_long"),
        (Mode.EXACT, "A" * 40, "too_long"),
        (Mode.EXACT, "🚗🚗", "too_short"),
        (Mode.EXACT, "%%", "too_short"),
        (Mode.FUZZY, "AB1", "too_short"),
        (Mode.FUZZY, "\\_%", "too_short"),
    ],
)
def test_hostile_and_vague_texts_are_refused(mode: Mode, text: str, code: str) -> None:
    with pytest.raises(SearchRefusedError) as refused:
        find(criteria(mode, text), passages=Detection.objects.all())
    assert (refused.value.field, refused.value.code) == ("plate", code)


def test_signs_of_sql_mean_nothing(new_passage: New) -> None:
    record([new_passage(plate) for plate in ("BB6232", "BB0232", "BB")])
    for text in ("BB%", "BB_232", "B\\B6232*", "BB6232🚗", "BB'; --"):
        plain = "".join(one for one in text if one.isalnum() or one in "*?")
        both = [[match.passage.pk for match in all_of(criteria(Mode.WILDCARD, one))] for one in (text, plain)]
        assert both[0] == both[1]
        assert len(both[0]) == (0 if text == "BB_232" else 1)


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [(1, 1, "window_empty"), (1, 2, "window_empty"), (400, 0, "too_old"), (1, -1, "in_the_future")],
)
def test_windows_that_cannot_be_are_refused(since: int, until: int, code: str) -> None:
    now = timezone.now()
    window: dict[str, datetime] = {"since": now - timedelta(days=since), "until": now - timedelta(days=until)}
    with pytest.raises(SearchRefusedError) as refused:
        find(criteria(Mode.EXACT, "BB6232", **window), passages=Detection.objects.all())
    assert refused.value.code == code


def test_criteria_survive_the_session() -> None:
    asked = criteria(Mode.FUZZY, "BB6232", cameras=(3, 4), max_edits=2)
    assert Criteria.from_json(asked.as_json()) == asked
    assert MOST_PLATES >= 1000
