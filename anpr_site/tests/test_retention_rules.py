"""Rules hold within their limits; certificates are a chain that nobody changes."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from cameras.models import Camera
from detections.models import (
    LIMITS,
    DataKind,
    DeletionCertificate,
    RetentionRule,
)
from detections.passages import NewPassage, check_time, times_taken
from detections.retention import certificates, pictures, records, rules

New = Callable[..., NewPassage]
LogIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db(transaction=True)


# --- Rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DataKind)
def test_limits_hold_in_the_database_and_in_the_service(kind: DataKind, admin_user: User) -> None:
    limits = LIMITS[kind]
    for days in (limits.least, limits.most):
        assert rules.change(kind, to=days, by=admin_user).days == days
    for days in (limits.least - 1, limits.most + 1):
        with pytest.raises(ValidationError):
            rules.change(kind, to=days, by=admin_user)
        with pytest.raises(IntegrityError), transaction.atomic():
            RetentionRule.objects.filter(kind=kind).update(days=days)
    told = AuditEvent.objects.filter(action="retention.change", target_id=kind.value)
    assert told.first().details["to"] == limits.most  # type: ignore[union-attr]


def test_a_rule_decides_what_is_taken(camera: Camera) -> None:
    moment = timezone.now() - timedelta(days=100)
    assert check_time(moment, times_taken()) is None
    rules.change(DataKind.READS, to=90, by=None)
    refusal = check_time(moment, times_taken())
    assert refusal is not None
    assert refusal.code == "too_old"


def test_photos_are_never_kept_longer_than_passages() -> None:
    rules.change(DataKind.IMAGES, to=365, by=None)
    rules.change(DataKind.READS, to=60, by=None)
    assert rules.days(DataKind.IMAGES) == 60


def test_rules_are_looked_up_once_for_many_passages(django_assert_num_queries: Any) -> None:
    rules.forget()
    with django_assert_num_queries(1):
        for _number in range(100):
            check_time(timezone.now(), times_taken())


def test_a_rule_is_changed_in_the_console_within_its_limits(
    logged_in: LogIn, admin_user: User, operator: User
) -> None:
    address = reverse("admin:detections_retentionrule_change", args=["reads"])
    RetentionRule.objects.get_or_create(kind="reads", defaults={"days": 365})
    assert logged_in(operator).get(address).status_code == 403
    client = logged_in(admin_user)
    assert "Entre 15 et 730" in client.post(address, {"days": "5"}).content.decode()
    assert client.post(address, {"days": "200"}).status_code == 302
    assert rules.days(DataKind.READS) == 200
    assert AuditEvent.objects.get(action="retention.change").actor == admin_user
    assert client.get(reverse("admin:detections_retentionrule_add")).status_code == 403


# --- Certificates -------------------------------------------------------------------------------------------


def issued(count: int) -> list[DeletionCertificate]:
    """So many certificates."""
    made = []
    for number in range(count):
        with transaction.atomic():
            made.append(
                certificates.issue(
                    kind=DataKind.AUDIT,
                    since=None,
                    until=timezone.now(),
                    rows=number,
                    digest=records.digest_of([str(number)]),
                    album=pictures.Album(),
                    by=None,
                    started_at=timezone.now(),
                    finished=False,
                )
            )
    return made


def test_certificates_are_append_only_and_finished_once() -> None:
    [one] = issued(1)
    for change in ({"rows": 7}, {"finished_at": timezone.now(), "rows": 7}, {"digest": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DeletionCertificate.objects.filter(pk=one.pk).update(**change)
    certificates.finish(one)
    with pytest.raises(IntegrityError), transaction.atomic():
        DeletionCertificate.objects.filter(pk=one.pk).update(finished_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        DeletionCertificate.objects.filter(pk=one.pk).delete()


def tamper(statement: str) -> None:
    """As somebody who may alter tables could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE detections_deletioncertificate DISABLE TRIGGER append_only")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE detections_deletioncertificate ENABLE TRIGGER append_only")


def test_a_broken_chain_is_noticed() -> None:
    first, second, third = issued(3)
    told = io.StringIO()
    call_command("purge", "--verify", stdout=told)
    assert "3 certificates, the chain is whole." in told.getvalue()
    tamper(f"UPDATE detections_deletioncertificate SET rows = 99 WHERE id = {second.pk}")
    with pytest.raises(CommandError, match=f"certificate {second.pk}: its seal does not fit"):
        call_command("purge", "--verify")
    tamper(f"DELETE FROM detections_deletioncertificate WHERE id = {second.pk}")
    with pytest.raises(CommandError, match=f"certificate {third.pk}: the one before it is missing"):
        call_command("purge", "--verify")
    assert first.previous == ""


def test_certificates_are_read_and_downloaded_in_the_console(
    logged_in: LogIn, admin_user: User, operator: User
) -> None:
    [one] = issued(1)
    pages = [
        reverse("admin:detections_deletioncertificate_changelist"),
        reverse("admin:detections_deletioncertificate_change", args=[one.pk]),
        reverse("admin:detections_deletioncertificate_json", args=[one.pk]),
    ]
    client = logged_in(admin_user)
    assert [client.get(page).status_code for page in pages] == [200] * 3
    assert client.get(pages[2]).json()["seal"] == one.seal
    assert client.post(pages[1], {"rows": 3}).status_code == 403
    assert logged_in(operator).get(pages[0]).status_code == 403
    assert logged_in(operator).get(pages[2]).status_code == 404
