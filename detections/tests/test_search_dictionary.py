"""The dictionary of plates seen: what it keeps, that repeats change nothing, and that nothing is missed."""

from collections.abc import Callable
from datetime import UTC, date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from detections import feed
from detections.models import Detection, FeedCursor, SeenPlate
from detections.passages import NewPassage
from detections.search import Criteria, Mode, dictionary, find, forget_plates, rebuild
from detections.services import record
from detections.tasks import remember_plates
from recognition import plates

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]


def kept() -> dict[str, tuple[str, date, date]]:
    return {
        one.plate_number: (one.plate_key, one.first_seen, one.last_seen) for one in SeenPlate.objects.all()
    }


@pytest.fixture
def seeded(new_passage: New) -> dict[str, tuple[str, date, date]]:
    """Two plates on several days, and what the dictionary should hold of them."""
    now = timezone.now()
    days = {"BB6232RB": (9, 2, 5), "2A9402": (3,)}
    record(
        [
            new_passage(text, detected_at=now - timedelta(days=day))
            for text, all_ in days.items()
            for day in all_
        ]
    )
    return {
        text: (
            plates.fold(text),
            (now - timedelta(days=max(all_))).astimezone(UTC).date(),
            (now - timedelta(days=min(all_))).astimezone(UTC).date(),
        )
        for text, all_ in days.items()
    }


def test_the_task_enters_each_plate_with_its_first_and_last_day(seeded: Any) -> None:
    assert remember_plates() == 4
    assert kept() == seeded
    assert remember_plates() == 0


def test_a_repeat_changes_nothing_and_writes_nothing(seeded: Any) -> None:
    remember_plates()
    before = list(SeenPlate.objects.raw("SELECT *, xmin::text AS version FROM detections_seenplate"))
    dictionary.remember(list(Detection.objects.all()))
    after = list(SeenPlate.objects.raw("SELECT *, xmin::text AS version FROM detections_seenplate"))
    assert kept() == seeded
    assert [one.version for one in before] == [one.version for one in after]  # type: ignore[attr-defined]


def test_a_rebuild_gives_the_same_and_the_consumer_goes_on_behind_it(seeded: Any, new_passage: New) -> None:
    assert rebuild() == 2
    assert kept() == seeded
    assert remember_plates() == 0, "nothing is read twice"
    record([new_passage("KX1234RB")])
    assert remember_plates() == 1
    assert set(kept()) == {*seeded, "KX1234RB"}


def test_a_batch_that_fails_is_read_again(seeded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(cursor: FeedCursor) -> None:
        raise RuntimeError("planted")

    FeedCursor.objects.create(consumer=dictionary.CONSUMER)
    with monkeypatch.context() as broken:
        broken.setattr(FeedCursor, "save", fail)
        with pytest.raises(RuntimeError):
            remember_plates()
    assert kept() == {}
    assert remember_plates() == 4
    assert kept() == seeded


def test_plates_not_seen_since_are_forgotten(seeded: Any) -> None:
    remember_plates()
    assert forget_plates(seeded["2A9402"][2]) == 0
    assert forget_plates(seeded["2A9402"][2] + timedelta(days=1)) == 1
    assert set(kept()) == {"BB6232RB"}


def test_each_moment_of_the_consumer_finds_the_same(new_passage: New) -> None:
    now = timezone.now()
    record([new_passage(f"KX{number:04d}RB") for number in range(1200)])
    asked = Criteria(
        mode=Mode.WILDCARD, plate="KX00*", since=now - timedelta(days=1), until=now + timedelta(minutes=1)
    )
    counts = []

    def remember_and_look(passages: Any) -> None:
        dictionary.remember(passages)
        counts.append(len(find(asked, passages=Detection.objects.all(), size=500).matches))

    assert len(find(asked, passages=Detection.objects.all(), size=500).matches) == 100
    feed.consume(dictionary.CONSUMER, remember_and_look, batch=100)
    assert counts == [100] * 12
