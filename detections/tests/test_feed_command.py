"""`manage.py feed` lists consumers, gives one its passages again, and passes over one."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AuditEvent
from detections import counting, feed
from detections.models import Detection, FeedCursor
from detections.passages import NewPassage
from detections.services import record

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]
WHY = "--reason=report 12"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("feed", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def plates(new_passage: New) -> list[str]:
    """What the consumer "test" was given: three passages, stored a minute apart."""
    seen: list[str] = []
    for number in range(3):
        record([new_passage(f"AA000{number}")])
    for age, passage in enumerate(Detection.objects.order_by("-pk")):
        Detection.objects.filter(pk=passage.pk).update(created_at=timezone.now() - timedelta(minutes=age))
    consume(seen)
    return seen


def consume(seen: list[str]) -> None:
    def note(passages: Sequence[Detection]) -> None:
        seen.extend(passage.plate_number for passage in passages)

    feed.consume("test", note)


def test_the_list_tells_cursor_lag_and_failures(plates: list[str], new_passage: New) -> None:
    cursor = FeedCursor.objects.get()
    assert f"{cursor.xid}-{cursor.row_id}" in run()
    assert "0 waiting" in run()
    record([new_passage("AA0003")])
    assert "1 waiting" in run()
    FeedCursor.objects.update(failing_since=timezone.now(), failures=1)
    assert "FAILS since" in run()


@pytest.mark.parametrize(("minutes", "given"), [(1.5, 2), (0.5, 1), (60, 3)])
def test_a_replay_since_a_time_gives_what_was_stored_since(
    plates: list[str], minutes: float, given: int
) -> None:
    moment = timezone.localtime(timezone.now() - timedelta(minutes=minutes))
    run("replay", "test", f"--since={moment:%Y-%m-%dT%H:%M:%S}", WHY, "--yes")
    consume(plates)
    assert plates[3:] == plates[:3][-given:]
    row = AuditEvent.objects.get(action="feed.replay")
    assert (row.target_id, row.reason) == ("test", "report 12")


def test_the_counts_are_recounted_never_replayed(new_passage: New) -> None:
    record([new_passage()])
    counting.count_new()
    with pytest.raises(CommandError, match="recount"):
        run("replay", counting.CONSUMER, "--to-cursor=0-0", WHY, "--yes")
    assert FeedCursor.objects.get().row_id


def test_a_replay_to_a_cursor_gives_all_after_it(plates: list[str]) -> None:
    run("replay", "test", "--to-cursor=0-0", WHY, "--yes")
    consume(plates)
    assert plates[3:] == plates[:3]


def test_nothing_moves_without_a_yes(plates: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    before = FeedCursor.objects.values().get()
    monkeypatch.setattr("builtins.input", lambda _question: "")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("replay", "test", "--to-cursor=0-0", WHY)
    assert FeedCursor.objects.values().get() == before
    assert not AuditEvent.objects.filter(action="feed.replay").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("replay", "nobody", "--to-cursor=0-0"), "No consumer"),
        (("replay", "test", "--to-cursor=9999999999-1"), "ahead of the cursor"),
        (("replay", "test", "--to-cursor=x"), "two numbers"),
        (("replay", "test", "--since=yesterday"), "a time as"),
        (("replay", "test", "--since=2026-13-01"), "--since"),
        (("replay", "test", "--since=2999-01-01T00:00"), "Nothing was stored"),
        (("skip", "test"), "does not fail"),
    ],
)
def test_what_makes_no_sense_is_refused(plates: list[str], arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run(*arguments, WHY, "--yes")
