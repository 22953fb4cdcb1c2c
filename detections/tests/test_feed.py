"""The feed gives every passage once, in ingest order, and never skips a late commit."""

import threading
from collections.abc import Callable, Sequence

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import AuditEvent
from detections import feed, services
from detections.models import Detection, FeedCursor
from detections.passages import NewPassage

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]


class Seen:
    """A consumer that notes the plates it was given."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.plates: list[str] = []

    def __call__(self, passages: Sequence[Detection]) -> None:
        """Note the plates."""
        self.plates += [passage.plate_number for passage in passages]


def test_each_passage_is_given_once_in_order(new_passage: New) -> None:
    seen = Seen()
    services.record([new_passage("AA0001"), new_passage("AA0002")])
    services.record([new_passage("AA0003")])
    assert feed.consume("test", seen) == 3
    assert feed.consume("test", seen) == 0
    assert seen.plates == ["AA0001", "AA0002", "AA0003"]


def test_batches_are_followed_to_the_end(new_passage: New) -> None:
    seen = Seen()
    services.record([new_passage(f"AA{number:04}") for number in range(25)])
    assert feed.consume("test", seen, batch=10) == 25
    assert len(set(seen.plates)) == 25


def test_consumers_do_not_disturb_each_other(new_passage: New) -> None:
    services.record([new_passage("AA0001")])
    first, second = Seen(), Seen()
    feed.consume("first", first)
    feed.consume("second", second)
    assert first.plates == second.plates == ["AA0001"]


def test_a_late_commit_is_not_skipped(new_passage: New) -> None:
    """The transaction that inserts first commits last: its row has the lower id and must still be given."""
    inserted, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                services.record([new_passage("SLOW01")])
                inserted.set()
                may_commit.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert inserted.wait(10)
    services.record([new_passage("FAST01")])
    seen = Seen()
    feed.consume("test", seen)
    assert seen.plates == [], "nothing may be given past a transaction that still runs"
    may_commit.set()
    thread.join()
    feed.consume("test", seen)
    assert seen.plates == ["SLOW01", "FAST01"]


def test_a_consumer_that_fails_sees_the_batch_again(new_passage: New) -> None:
    services.record([new_passage("AA0001")])

    def broken(passages: Sequence[Detection]) -> None:
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError):
        feed.consume("test", broken)
    seen = Seen()
    feed.consume("test", seen)
    assert seen.plates == ["AA0001"]


def test_a_passage_that_a_consumer_cannot_take_stops_it_alone_and_is_told(
    new_passage: New, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """All before it is through, others go on, the row can be passed over with a reason."""
    services.record([new_passage(f"AA{number:04}") for number in range(9)])
    seen, others = Seen(), Seen()

    def fussy(passages: Sequence[Detection]) -> None:
        if any(passage.plate_number == "AA0005" for passage in passages):
            raise RuntimeError("AA0005 is too much")
        seen(passages)

    for _attempt in range(2):
        with pytest.raises(RuntimeError):
            feed.consume("fussy", fussy)
    assert seen.plates == [f"AA{number:04}" for number in range(5)]
    assert feed.consume("others", others) == 9
    cursor = FeedCursor.objects.get(consumer="fussy")
    assert (cursor.failures, cursor.error) == (2, "RuntimeError")
    assert cursor.failing_since
    assert "feed: fussy cannot take the row after" in caplog.text
    assert "AA0005" not in caplog.text, "no plate in the log"
    assert client.get("/health").json()["services"]["feed"] is False
    metrics = client.get("/metrics").content.decode()
    assert 'anpr_feed_failures{consumer="fussy"} 2.0' in metrics
    assert 'anpr_feed_failures{consumer="others"} 0.0' in metrics
    assert 'anpr_feed_failing_since_timestamp_seconds{consumer="fussy"}' in metrics

    with pytest.raises(ValueError, match="does not fail"):
        feed.skip("others", reason="no need")
    feed.skip("fussy", reason="report 12")
    assert feed.consume("fussy", fussy) == 3
    assert seen.plates[5:] == ["AA0006", "AA0007", "AA0008"]
    row = AuditEvent.objects.get(action="feed.skip")
    assert (row.target_id, row.reason) == ("fussy", "report 12")
    assert client.get("/health").json()["services"]["feed"] is True


def test_more_than_can_be_counted_quickly_is_said_to_be_more(
    new_passage: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LAG_COUNTED", 2)
    services.record([new_passage("AA0001"), new_passage("AA0002")])
    assert (feed.lag("test").passages, feed.lag("test").more) == (2, False)
    services.record([new_passage("AA0003")])
    assert (feed.lag("test").passages, feed.lag("test").more) == (2, True)


def test_the_lag_tells_what_waits(new_passage: New) -> None:
    assert feed.lag("test").passages == 0
    services.record([new_passage("AA0001"), new_passage("AA0002")])
    assert feed.lag("test").passages == 2
    feed.consume("test", Seen())
    assert feed.lag("test").passages == 0


def test_after_a_restore_into_another_cluster_the_feed_says_so_and_goes_on_when_rebased(
    new_passage: New,
) -> None:
    services.record([new_passage("AA0001"), new_passage("AA0002")])
    seen = Seen()
    feed.consume("test", seen)
    services.record([new_passage("AA0003")])
    with connection.cursor() as sql:
        # As dumped from a cluster that was a million transactions further.
        sql.execute(
            "UPDATE detections_detection SET ingest_xid = (ingest_xid::text::bigint + 1000000)::text::xid8"
        )
        sql.execute("UPDATE detections_feedcursor SET xid = xid + 1000000")
    services.record([new_passage("AA0004")])
    with pytest.raises(feed.FeedMovedError):
        feed.consume("test", seen)
    with pytest.raises(feed.FeedMovedError):
        feed.lag("test")
    assert feed.rebase() == 3
    feed.consume("test", seen)
    assert seen.plates == ["AA0001", "AA0002", "AA0003", "AA0004"]
    assert feed.rebase() == 0
