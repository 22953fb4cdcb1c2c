"""Repeats at the same moment, and answers that get lost."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.utils import timezone

from conftest import picture
from detections import feed, services
from detections.models import Detection
from detections.passages import NewPassage, Outcome
from detections.tests.test_record import files

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]


def test_one_event_sent_by_many_at_once_with_other_times_is_stored_once(new_passage: New) -> None:
    event, now = uuid.uuid4(), timezone.now()
    outcomes: list[Outcome] = []
    start = threading.Barrier(4)

    def send(number: int) -> None:
        passage = new_passage(
            event_id=event, detected_at=now - timedelta(milliseconds=number), frame=picture()
        )
        start.wait()
        try:
            outcomes.extend(services.record([passage]))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.status for outcome in outcomes) == ["created"] + ["duplicate"] * 3
    assert len({outcome.detection_id for outcome in outcomes}) == 1
    assert Detection.objects.count() == 1
    assert len(files()) == 1


def test_a_commit_whose_answer_is_lost_keeps_the_frame(new_passage: New, monkeypatch: Any) -> None:
    passage = new_passage(frame=picture())
    real = connection._commit  # type: ignore[attr-defined]

    def lost() -> None:
        real()
        raise OperationalError("the answer was lost")

    monkeypatch.setattr(connection, "_commit", lost)
    with pytest.raises(OperationalError):
        services.record([passage])
    monkeypatch.undo()
    connection.close()
    [again] = services.record([passage])
    assert again.status == "duplicate"
    assert default_storage.exists(Detection.objects.get().image_path)


def test_a_wake_up_that_fails_costs_nothing(new_passage: New, monkeypatch: Any) -> None:
    def broken() -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(feed, "wake", broken)
    [outcome] = services.record([new_passage(frame=picture())])
    assert outcome.status == "created"
    assert default_storage.exists(Detection.objects.get().image_path)
