"""A passage is found by the plate that an officer gave it, once, beside what was read."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from cameras.models import Camera
from detections import corrections
from detections.models import CorrectionKind, Detection
from detections.passages import NewPassage
from detections.search import Criteria, Match, Mode, engine, find
from detections.services import record

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]


def search(mode: Mode, plate: str, cameras: tuple[int, ...] | None = None, size: int = 50) -> list[Match]:
    """All pages."""
    now = timezone.now()
    asked = Criteria(
        mode=mode,
        plate=plate,
        since=now - timedelta(days=3),
        until=now + timedelta(minutes=1),
        cameras=cameras,
        max_edits=2,
    )
    matches: list[Match] = []
    place = None
    while True:
        found = find(asked, passages=Detection.objects.all(), place=place, size=size)
        matches += found.matches
        if found.older is None:
            return matches
        place = found.older


@pytest.fixture
def corrected(new_passage: New, operator: User) -> Detection:
    """Read as XY9999ZZ, which is AB1234RB for the officer; others around it."""
    now = timezone.now()
    record([new_passage("XY9999ZZ", detected_at=now - timedelta(hours=1))])
    record([new_passage("AB1234RB", detected_at=now - timedelta(hours=hours)) for hours in (2, 0)])
    passage = Detection.objects.get(plate_number="XY9999ZZ")
    corrections.correct(passage, plate_number="AB1234RB", reason="photo", by=operator)
    return passage


@pytest.mark.parametrize(
    ("mode", "plate"), [(Mode.EXACT, "AB 1234 RB"), (Mode.WILDCARD, "AB12*"), (Mode.FUZZY, "AB1234RB")]
)
@pytest.mark.parametrize("size", [1, 50])
def test_it_is_found_by_the_corrected_plate_in_its_place(
    mode: Mode, plate: str, size: int, corrected: Detection
) -> None:
    matches = search(mode, plate, size=size)
    assert [match.plate for match in matches] == ["AB1234RB"] * 3
    assert matches[1].passage.pk == corrected.pk
    assert matches[1].passage.correction is not None
    if mode != Mode.WILDCARD:
        assert matches[1].kind == "same"
        assert matches[1].score == 1.0


def test_it_is_still_found_by_its_read(corrected: Detection) -> None:
    [match] = search(Mode.EXACT, "XY9999ZZ")
    assert match.passage.pk == corrected.pk
    assert match.passage.correction is not None


@pytest.mark.parametrize("many", [False, True])
def test_a_pattern_that_read_and_correction_meet_finds_it_once(
    many: bool, new_passage: New, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    if many:
        monkeypatch.setattr(engine, "MOST_PLATES", 1)
    record([new_passage("AB1234RB"), new_passage("AB1299RB")])
    passage = Detection.objects.get(plate_number="AB1234RB")
    corrections.correct(passage, plate_number="AB1284RB", reason="photo", by=operator)
    matches = search(Mode.WILDCARD, "AB12*")
    assert sorted(match.plate for match in matches) == ["AB1284RB", "AB1299RB"]


def test_near_misses_count_it_once_by_the_corrected_plate(new_passage: New, operator: User) -> None:
    record([new_passage("A81234RB")])
    corrections.correct(Detection.objects.get(), plate_number="AB1234RB", reason="photo", by=operator)
    [match] = search(Mode.FUZZY, "AB1234RB")
    assert (match.plate, match.kind, match.score) == ("AB1234RB", "same", 1.0)


def test_only_the_newest_word_counts(corrected: Detection, operator: User) -> None:
    first = corrections.with_corrections([corrected])[0].correction
    assert first is not None
    corrections.correct(corrected, plate_number="CD5678RB", reason="photo", by=operator, after=first.pk)
    assert len(search(Mode.EXACT, "AB1234RB")) == 2
    assert [match.passage.pk for match in search(Mode.EXACT, "CD5678RB")] == [corrected.pk]
    last = corrections.with_corrections([corrected])[0].correction
    assert last is not None
    corrections.correct(
        corrected, kind=CorrectionKind.UNREADABLE, reason="blurred", by=operator, after=last.pk
    )
    assert search(Mode.EXACT, "CD5678RB") == []


def test_cameras_and_time_hold_for_it_too(corrected: Detection, camera: Camera) -> None:
    other = Camera.objects.create(name="Igolo", code="igolo")
    assert len(search(Mode.EXACT, "AB1234RB", (camera.pk,))) == 3
    assert search(Mode.EXACT, "AB1234RB", (other.pk,)) == []


@pytest.mark.parametrize(("mode", "plate"), [(Mode.EXACT, "AB1234RB"), (Mode.WILDCARD, "AB1234*")])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_page_that_ends_between_read_and_correction_loses_nothing(
    mode: Mode, plate: str, size: int, new_passage: New, operator: User
) -> None:
    now = timezone.now()
    record([new_passage("AB1234", detected_at=now - timedelta(hours=hours)) for hours in range(4)])
    passages = list(Detection.objects.order_by("-detected_at"))
    for passage in passages:
        corrections.correct(passage, plate_number="AB1234RB", reason="photo", by=operator)
    matches = search(mode, plate, size=size)
    assert [match.passage.pk for match in matches] == [passage.pk for passage in passages]
    assert {match.plate for match in matches} == {"AB1234RB"}
