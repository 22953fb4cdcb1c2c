"""Roles, visibility, keys and the audit trail."""

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import ApiKey, AuditEvent, Scope, User
from accounts.services import audit, create_api_key, revoke_api_key
from conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_log_in_by_e_mail_or_user_name_in_any_case(operator: User) -> None:
    assert authenticate(username="OPERATOR@example.bj", password=PASSWORD) == operator
    assert authenticate(username="operator", password=PASSWORD) == operator
    assert authenticate(username="operator", password="wrong") is None
    assert authenticate(username="nobody", password=PASSWORD) is None


def test_a_closed_account_is_out(operator: User) -> None:
    operator.is_active = False
    operator.save()
    assert authenticate(username="operator", password=PASSWORD) is None
    assert not operator.has_perm("alerts.view_alert")


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("alerts.view_alert", {"admin", "operator", "viewer"}),
        ("alerts.change_alert", {"admin", "operator"}),
        ("vehicles.view_stolenvehicle", {"admin", "operator"}),
        ("accounts.view_auditevent", {"admin"}),
        ("accounts.add_user", {"admin"}),
        ("cameras.change_camera", {"admin"}),
        ("detections.view_submission", {"admin", "operator"}),
        ("detections.delete_detection", set()),
        ("accounts.change_auditevent", set()),
    ],
)
def test_who_may_what(
    permission: str, roles: set[str], admin_user: User, operator: User, viewer: User
) -> None:
    assert {user.role for user in (admin_user, operator, viewer) if user.has_perm(permission)} == roles


def test_only_the_hash_of_a_key_is_kept(admin_user: User) -> None:
    key, token = create_api_key(name="post", scopes=[Scope.EVENTS_WRITE], by=admin_user)
    prefix, _dot, secret = token.partition(".")
    assert key.prefix == prefix
    assert secret not in str(ApiKey.objects.values())
    assert key.matches(secret)
    assert not key.matches(secret + "x")
    revoke_api_key(key, by=admin_user)
    assert not ApiKey.objects.usable().exists()


def test_the_audit_trail_cannot_be_changed_or_shortened(operator: User) -> None:
    audit(by=operator, action="passage.search", reason="enquête", case_reference="2026/14")
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.update(reason="rien")
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.all().delete()
    row = AuditEvent.objects.get()
    assert (row.actor, row.actor_name, row.case_reference) == (operator, "Operator Test", "2026/14")


def test_two_accounts_cannot_share_an_address_in_another_case(operator: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="OPERATOR@example.bj", username="other")])


def test_two_accounts_cannot_share_a_user_name_in_another_case(operator: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("other@example.bj", username="Operator")
    with pytest.raises(ValidationError, match="majuscules"):
        User(email="other@example.bj", username="Operator", password="x").full_clean()
