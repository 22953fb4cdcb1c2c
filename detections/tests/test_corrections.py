"""Officers correct reads: beside the original, once, in the feed, and told to each other."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.roles import Role
from conftest import make_user
from detections import corrections, feed
from detections.corrections import CorrectedMeanwhileError, CorrectionRefusedError, correct
from detections.models import Correction, Detection
from detections.passages import NewPassage
from detections.services import record

LogIn = Callable[[User], Client]
New = Callable[..., NewPassage]

pytestmark = pytest.mark.django_db

WHY = "2nd character is a B"


@pytest.fixture
def passage(new_passage: New) -> Detection:
    """B86232RB was read where BB6232RB stood."""
    return stored(new_passage("B86232RB", char_confidences=[0.99, 0.51, *[0.99] * 6]))


def stored(new: NewPassage) -> Detection:
    [outcome] = record([new])
    return Detection.objects.get(pk__in=[outcome.detection_id])


def test_the_read_stays_beside_its_correction(passage: Detection, operator: User) -> None:
    correct(passage, by=operator, plate_number="bb 6232 rb", reason=WHY, case_reference="PV 12")
    passage.refresh_from_db()
    assert passage.plate_number == "B86232RB"
    [again] = corrections.with_corrections([passage])
    assert again.plate_in_force == "BB6232RB"
    row = AuditEvent.objects.get(action="passage.correct")
    assert (row.actor, row.reason, row.case_reference) == (operator, WHY, "PV 12")
    assert row.details == {"kind": "corrected", "read": "B86232RB", "plate": "BB6232RB"}


def test_a_plate_equal_to_the_read_confirms_it(passage: Detection, operator: User) -> None:
    assert correct(passage, by=operator, plate_number="B8 6232 RB").kind == "confirmed"


def test_an_unreadable_plate_is_said_without_one(passage: Detection, operator: User) -> None:
    correction = correct(passage, by=operator, kind="unreadable", plate_number="AB", reason="mud")
    assert correction.plate_number == ""
    [again] = corrections.with_corrections([passage])
    assert again.plate_in_force == "B86232RB", "there is no better word"


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"plate_number": "", "reason": WHY}, "plate_number", "too_short"),
        ({"plate_number": "A" * 17, "reason": WHY}, "plate_number", "too_long"),
        ({"plate_number": "BB6232RB", "reason": " x "}, "reason", "required"),
        ({"kind": "unreadable"}, "reason", "required"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_leaves_nothing(
    passage: Detection, operator: User, given: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(CorrectionRefusedError) as error:
        correct(passage, by=operator, **given)
    assert (error.value.refusal.field, error.value.refusal.code) == (field, code)
    assert not Correction.objects.exists()
    assert not AuditEvent.objects.filter(action="passage.correct").exists()


def test_a_correction_can_be_corrected_and_the_newest_is_in_force(passage: Detection, operator: User) -> None:
    first = correct(passage, by=operator, plate_number="BB6232RB", reason=WHY)
    second = correct(passage, by=operator, plate_number="BB6233RB", reason=WHY, after=first.pk)
    assert list(Correction.objects.of(passage)) == [second, first]
    assert Correction.objects.newest_of([passage.pk]) == {passage.pk: second}


def test_the_same_word_again_changes_nothing(passage: Detection, operator: User) -> None:
    first = correct(passage, by=operator, plate_number="BB6232RB", reason=WHY)
    assert correct(passage, by=operator, plate_number="BB6232RB", reason=WHY) == first
    assert Correction.objects.count() == AuditEvent.objects.filter(action="passage.correct").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_officers_at_once_the_second_is_told(passage: Detection, operator: User) -> None:
    second, told = make_user(Role.ADMIN), []
    at_once = threading.Barrier(2)

    def say(by: User, plate: str) -> None:
        try:
            at_once.wait(10)
            correct(passage, by=by, plate_number=plate, reason=WHY)
        except CorrectedMeanwhileError as error:
            told.append(error.correction)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=say, args=args) for args in ((operator, "BB6232RB"), (second, "BB6233RB"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [Correction.objects.get()]


@pytest.mark.parametrize("statement", ["UPDATE {} SET reason = 'x'", "DELETE FROM {}"])
def test_the_database_refuses_to_change_or_delete_a_correction(
    passage: Detection, operator: User, statement: str
) -> None:
    correct(passage, by=operator, plate_number="BB6232RB", reason=WHY)
    with connection.cursor() as sql, pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql.execute(statement.format("detections_correction"))


@pytest.mark.parametrize(
    ("kind", "plate"), [("unreadable", "AB12"), ("corrected", ""), ("corrected", "ab 1")]
)
def test_the_database_refuses_a_verdict_that_does_not_fit_its_plate(
    passage: Detection, operator: User, kind: str, plate: str
) -> None:
    statement = (
        "INSERT INTO detections_correction (detection_id, detected_at, event_id, kind, plate_number, "
        "plate_key, reason, case_reference, created_at, created_by_id) "
        "VALUES (1, now(), %s, %s, %s, '', '', '', now(), %s)"
    )
    with connection.cursor() as sql, pytest.raises(IntegrityError), transaction.atomic():
        sql.execute(statement, [str(passage.event_id), kind, plate, operator.pk])


def test_retention_forgets_the_corrections_of_a_month_and_then_nobody_can_again(
    new_passage: New, operator: User
) -> None:
    # Months are those of UTC: half past midnight in Porto-Novo on the 1st is the month before.
    last, first = datetime(2026, 9, 30, 23, 30, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    for moment in (last, first):
        correct(
            stored(new_passage("B86232RB", detected_at=moment)),
            by=operator,
            plate_number="BB6232RB",
            reason=WHY,
        )
    assert corrections.forget_corrections(date(2026, 9, 1), date(2026, 9, 30)) == 1
    assert Correction.objects.get().detected_at == first
    with pytest.raises(DatabaseError, match="append-only"):
        Correction.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_corrections_are_a_stream_of_the_feed(passage: Detection, operator: User) -> None:
    seen: list[Correction] = []
    first = correct(passage, by=operator, plate_number="BB6232RB", reason=WHY)
    assert feed.follow(feed.CORRECTIONS, "test", seen.extend) == 1
    second = correct(passage, by=operator, kind="confirmed", after=first.pk)
    assert feed.lag("test").passages == 1
    assert feed.follow(feed.CORRECTIONS, "test", seen.extend) == 1
    assert feed.follow(feed.CORRECTIONS, "test", seen.extend) == 0
    assert seen == [first, second]


@pytest.mark.django_db(transaction=True)
def test_after_a_restore_corrections_are_carried_over_too(passage: Detection, operator: User) -> None:
    seen: list[Correction] = []
    first = correct(passage, by=operator, plate_number="BB6232RB", reason=WHY)
    feed.follow(feed.CORRECTIONS, "test", seen.extend)
    correct(passage, by=operator, kind="confirmed", after=first.pk)
    ahead = "(ingest_xid::text::bigint + 1000000)::text::xid8"
    with connection.cursor() as sql:
        sql.execute(f"UPDATE detections_correction SET ingest_xid = {ahead}")
        sql.execute("UPDATE detections_feedcursor SET xid = xid + 1000000")
    with pytest.raises(feed.FeedMovedError):
        feed.lag("test")
    assert feed.rebase() == 2
    feed.follow(feed.CORRECTIONS, "test", seen.extend)
    assert [one.kind for one in seen] == ["corrected", "confirmed"]


# --- the page --------------------------------------------------------------------------------------------


def test_an_officer_corrects_on_the_page_and_everybody_sees_both(
    logged_in: LogIn, operator: User, viewer: User, passage: Detection
) -> None:
    client, page = logged_in(operator), reverse("detections:detail", args=[passage.pk])
    assert 'value="B86232RB"' in client.get(page).content.decode(), "prefilled with the read"
    given = {"plate_number": "BB 6232 RB", "reason": WHY, "after": "0", "kind": "corrected"}
    response = client.post(reverse("detections:correct", args=[passage.pk]), given, follow=True)
    assert response.redirect_chain == [(page, 302)]
    html = response.content.decode()
    assert "Plaque corrigée : BB6232RB." in html.replace("\N{NO-BREAK SPACE}", " ")
    assert WHY in html
    assert "Operator Test" in html
    seen = logged_in(viewer).get(page).content.decode()
    assert "BB6232RB" in seen
    assert "B86232RB" in seen
    assert "Operator Test" not in seen, "who it was is not for viewers"
    assert 'name="plate_number"' not in seen


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"plate_number": "B", "reason": WHY}, 422, "moins de 2"),
        ({"plate_number": "BB6232RB", "reason": ""}, 422, "Dites ce que montre la photo"),
        ({"plate_number": "BB6232RB", "reason": "mine", "kind": "nonsense", "after": "x" * 30}, 302, ""),
    ],
)
def test_what_cannot_be_taken_comes_back_with_what_was_typed(
    logged_in: LogIn, operator: User, passage: Detection, given: dict[str, str], status: int, words: str
) -> None:
    response = logged_in(operator).post(reverse("detections:correct", args=[passage.pk]), given)
    assert response.status_code == status
    html = response.content.decode()
    assert words in html
    assert status == 302 or f'value="{given["plate_number"]}"' in html


def test_the_second_officer_sees_who_was_first(
    logged_in: LogIn, operator: User, admin_user: User, passage: Detection
) -> None:
    correct(passage, by=admin_user, plate_number="BB6232RB", reason=WHY)
    given = {"plate_number": "BB6233RB", "reason": "my eyes", "after": "0"}
    response = logged_in(operator).post(reverse("detections:correct", args=[passage.pk]), given)
    assert response.status_code == 409
    html = response.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "Admin Test a déjà corrigé cette lecture : BB6232RB." in html
    assert 'value="BB6233RB"' in html
    assert Correction.objects.count() == 1


def test_viewers_correct_nothing(logged_in: LogIn, viewer: User, passage: Detection) -> None:
    given = {"plate_number": "BB6232RB", "reason": WHY}
    assert logged_in(viewer).post(reverse("detections:correct", args=[passage.pk]), given).status_code == 403
    path = reverse("api:event-corrections", args=[passage.pk])
    assert logged_in(viewer).post(path, given, content_type="application/json").status_code == 403
    assert logged_in(viewer).get(path).status_code == 403


def test_lists_show_corrected_plates_with_one_query_for_all(
    logged_in: LogIn,
    operator: User,
    new_passage: New,
) -> None:
    client = logged_in(operator)

    def queries(count: int) -> int:
        for number in range(count):
            correct(
                stored(new_passage("B86232RB")),
                by=operator,
                plate_number=f"BB62{count}{number}RB",
                reason=WHY,
            )
        client.get(reverse("detections:list"))
        with CaptureQueriesContext(connection) as captured:
            html = client.get(reverse("detections:list")).content.decode()
        assert html.count("table__sure--said") == Correction.objects.count()
        return len(captured)

    assert queries(1) == queries(4)


# --- the API ---------------------------------------------------------------------------------------------


def test_the_api_corrects_tells_the_history_and_marks_the_event(
    logged_in: LogIn, operator: User, viewer: User, passage: Detection
) -> None:
    client, path = logged_in(operator), reverse("api:event-corrections", args=[passage.pk])
    event = reverse("api:event", args=[passage.pk])
    assert client.get(event).json()["reviewed"] is None
    given = {"plate_number": "BB 6232 RB", "reason": WHY}
    answer = client.post(path, given, content_type="application/json")
    assert answer.status_code == 201
    assert answer.json()["by"] == "Operator Test"
    assert [one["id"] for one in client.get(path).json()] == [answer.json()["id"]]
    reviewed = client.get(event).json()["reviewed"]
    assert (reviewed["plate_number"], reviewed["kind"], reviewed["by"]) == (
        "BB6232RB",
        "corrected",
        "Operator Test",
    )
    [listed] = logged_in(viewer).get(reverse("api:events")).json()["results"]
    assert listed["reviewed"] == reviewed | {"by": None}, "who it was is not for viewers"
    assert listed["plate_number"] == "B86232RB"


def test_the_api_tells_the_second_officer_who_was_first(
    logged_in: LogIn, operator: User, admin_user: User, passage: Detection
) -> None:
    first = correct(passage, by=admin_user, plate_number="BB6232RB", reason=WHY)
    client, path = logged_in(operator), reverse("api:event-corrections", args=[passage.pk])
    given = {"plate_number": "BB6233RB", "reason": "my eyes"}
    answer = client.post(path, given, content_type="application/json")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "corrected_meanwhile"
    assert "Admin Test" in answer.json()["detail"]
    assert client.post(path, given | {"after": first.pk}, content_type="application/json").status_code == 201


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"reason": WHY}, "plate_number"),
        ({"plate_number": "BB6232RB"}, "reason"),
        ({"plate_number": "🚗", "reason": WHY}, "plate_number"),
        ({"kind": "perhaps", "reason": WHY}, "kind"),
        ({"plate_number": "BB6232RB", "reason": WHY, "after": -1}, "after"),
    ],
)
def test_the_api_refuses_what_breaks_a_rule(
    logged_in: LogIn, operator: User, passage: Detection, given: dict[str, Any], field: str
) -> None:
    path = reverse("api:event-corrections", args=[passage.pk])
    answer = logged_in(operator).post(path, given, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_key_is_no_officer(passage: Detection, sensor_key: Any) -> None:
    path = reverse("api:event-corrections", args=[passage.pk])
    for call in (Client().get, Client().post):
        assert call(path, headers={"X-API-Key": sensor_key[1]}).status_code == 403


def test_a_passage_that_is_gone_is_not_corrected(passage: Detection, operator: User) -> None:
    passage.detected_at = timezone.now() - timedelta(days=1)
    with pytest.raises(Detection.DoesNotExist):
        correct(passage, by=operator, plate_number="BB6232RB", reason=WHY)
