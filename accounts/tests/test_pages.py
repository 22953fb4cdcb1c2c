"""Log-in and log-out as a person meets them, and what they leave in the audit trail."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.views import client_address
from conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["operator@example.bj", "OPERATOR@example.bj", "operator"])
def test_log_in_by_e_mail_or_user_name_opens_the_dashboard(client: Client, operator: User, name: str) -> None:
    response = client.post(reverse("login"), {"username": name, "password": PASSWORD}, REMOTE_ADDR="10.1.2.3")
    assert response.status_code == 302
    assert response["Location"] == reverse("dashboard")
    event = AuditEvent.objects.get(action="session.login")
    assert (event.actor, event.ip_address) == (operator, "10.1.2.3")


def test_a_refused_log_in_says_why_and_is_noted_without_what_was_typed(
    client: Client, operator: User
) -> None:
    response = client.post(reverse("login"), {"username": "Operator", "password": "not this one"})
    assert response.status_code == 200
    assert "Aucun compte actif ne correspond" in response.content.decode()
    event = AuditEvent.objects.get(action="session.login_failed")
    assert event.actor is None
    assert len(event.details["name_hmac"]) == 16
    assert "operator" not in str(event.details).lower()
    assert "not this one" not in str(event.details)
    client.post(reverse("login"), {"username": "operator ", "password": "again wrong"})
    marks = {row.details["name_hmac"] for row in AuditEvent.objects.filter(action="session.login_failed")}
    assert len(marks) == 1, "a series of attempts on one account shows as one"


def test_a_closed_account_gets_the_same_sentence(client: Client, operator: User) -> None:
    operator.is_active = False
    operator.save()
    response = client.post(reverse("login"), {"username": "operator", "password": PASSWORD})
    assert "Aucun compte actif ne correspond" in response.content.decode()


def test_an_empty_form_says_what_to_do(client: Client) -> None:
    response = client.post(reverse("login"), {"username": "", "password": ""})
    assert "Remplissez les deux champs." in response.content.decode()


def test_log_in_leads_to_the_page_asked_for_but_never_to_another_site(client: Client, operator: User) -> None:
    answer = client.post(
        reverse("login"), {"username": "operator", "password": PASSWORD, "next": reverse("alerts:list")}
    )
    assert answer["Location"] == reverse("alerts:list")
    answer = client.post(
        reverse("login"), {"username": "operator", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer["Location"] == reverse("dashboard")


def test_log_out_is_a_post_and_is_noted(logged_in: Callable[[User], Client], operator: User) -> None:
    client = logged_in(operator)
    assert client.get(reverse("logout")).status_code == 405
    response = client.post(reverse("logout"))
    assert response["Location"] == reverse("login")
    assert AuditEvent.objects.get(action="session.logout").actor == operator
    assert client.get(reverse("dashboard"))["Location"].startswith(reverse("login"))


def test_the_log_in_page_speaks_french_and_english(client: Client) -> None:
    page = client.get(reverse("login")).content.decode()
    assert '<html lang="fr">' in page
    assert "Se connecter" in page
    client.post(reverse("set_language"), {"language": "en", "next": reverse("login")})
    page = client.get(reverse("login")).content.decode()
    assert '<html lang="en">' in page
    assert "Log in" in page
    assert "django_language" in client.cookies


def test_the_address_of_a_request_behind_a_proxy_is_the_one_the_proxy_saw(
    settings: Any,
) -> None:
    factory = RequestFactory()
    request = factory.get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "6.6.6.6, 41.85.1.2"})
    assert client_address(request) == "10.0.0.1", "without a proxy the header is only a claim"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert client_address(request) == "41.85.1.2"
    assert client_address(factory.get("/", REMOTE_ADDR="", headers={"x-forwarded-for": "junk"})) is None
