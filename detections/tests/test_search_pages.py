"""The search page: no plate in an address, one audit row, results by plate, saved searches."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from cameras.models import Camera
from detections.models import SavedSearch
from detections.passages import NewPassage
from detections.services import record

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
New = Callable[..., NewPassage]
FORM: dict[str, Any] = {
    "mode": "exact",
    "plate": "BB 6232",
    "max_edits": "1",
    "period": "7d",
    "reason": "PV 12",
    "case_reference": "",
}


def search(client: Client, **changes: Any) -> Any:
    """The page of results, or the form with its errors."""
    return client.post(reverse("search:page"), FORM | changes, follow=True, REMOTE_ADDR="10.0.0.7")


def shown(response: Any) -> list[str]:
    assert response.status_code == 200
    groups = response.context["groups"]
    return [match.passage.plate_number for group in groups for match in group.matches]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "fr",
            ["Même plaque", "Ressemblance", "1er caractère\xa0: 8 lu, B possible", "Motif noté au journal"],
        ),
        ("en", ["Same plate", "Likeness", "1st character: 8 read, B possible", "Reason noted in the audit"]),
    ],
)
def test_near_misses_are_shown_plate_by_plate_with_words(
    logged_in: LogIn, operator: User, new_passage: New, language: str, words: list[str]
) -> None:
    now = timezone.now()
    texts = ("8B6232", "BB6232RB", "8B6232", "BB6232")
    record([new_passage(text, detected_at=now - timedelta(hours=at)) for at, text in enumerate(texts)])
    client = logged_in(operator)
    client.cookies.load({"django_language": language})
    response = search(client, mode="fuzzy")
    html = response.content.decode()
    assert set(shown(response)) == set(texts)
    assert shown(response)[2:] == ["8B6232", "8B6232"]
    assert [group.kind for group in response.context["groups"]] == ["same", "same", "confusable"]
    for word in words:
        assert word in html
    assert html.count("data-passage-id") == 4


def test_no_plate_stands_in_an_address_and_a_reload_leaves_no_second_row(
    logged_in: LogIn, operator: User, new_passage: New
) -> None:
    now = timezone.now()
    record([new_passage("BB6232RB", detected_at=now - timedelta(minutes=at)) for at in range(60)])
    client = logged_in(operator)
    response = search(client)
    addresses = [address for address, _status in response.redirect_chain]
    pages = [shown(response)]
    older = re.search(r'href="([^"]*\?place=[^"]*)"', response.content.decode())
    assert older
    response = client.get(older[1])
    pages.append(shown(response))
    assert [len(page) for page in pages] == [50, 10]
    assert all("6232" not in address for address in [*addresses, older[1]])
    client.get(addresses[0])
    event = AuditEvent.objects.get(action="passage.search")
    assert (event.actor, event.reason, event.ip_address) == (operator, "PV 12", "10.0.0.7")
    assert (event.details["plate"], event.details["results"], event.details["more"]) == ("BB6232", 50, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": " "}, "Dites pourquoi vous cherchez"),
        ({"plate": "é-"}, "au moins 2 lettres"),
        ({"plate": "*6*", "mode": "wildcard"}, "au moins 2 lettres"),
        ({"plate": "*6?2*", "mode": "wildcard"}, "les deux premiers caractères"),
        ({"period": "custom"}, "Indiquez depuis quand"),
        (
            {"period": "custom", "since": "2026-01-02T00:00", "until": "2026-01-01T00:00"},
            "Le début doit précéder",
        ),
        ({"period": "365d"}, "indique son dossier"),
        ({"area": "6.3, 2.1\n6.4, 2.2"}, "trois sommets"),
        ({"area": "6.3, 2.1\nici\n6.4, 2.2"}, "une latitude et une longitude"),
        ({"area": "6 2\n7 2\n6 3\n7 1"}, "se croise"),
        ({"cameras": ["999999"]}, "field__error"),
        ({"plate": "B\0B6232"}, "field__error"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_searched(
    logged_in: LogIn, operator: User, changes: dict[str, Any], words: str
) -> None:
    response = search(logged_in(operator), **changes)
    assert response.status_code == 422
    html = response.content.decode()
    assert words in html
    assert "Rien n’a été cherché" in html
    assert not AuditEvent.objects.filter(action="passage.search").exists()


def test_a_viewer_names_a_case(logged_in: LogIn, viewer: User) -> None:
    client = logged_in(viewer)
    refused = search(client)
    assert refused.status_code == 422
    assert "Indiquez le dossier" in refused.content.decode()
    assert shown(search(client, case_reference="PV-1")) == []
    assert AuditEvent.objects.get(action="passage.search").case_reference == "PV-1"


def test_time_cameras_and_area_narrow_and_the_map_counts(
    logged_in: LogIn, operator: User, new_passage: New, camera: Camera
) -> None:
    north = Camera.objects.create(name="Porga", code="porga", latitude="11.05", longitude="0.97")
    nowhere = Camera.objects.create(name="Mobile", code="mobile")
    now = timezone.now()
    for place, hours in ((camera, (1, 50)), (north, (2,)), (nowhere, (3, 4))):
        record(
            [new_passage("BB6232RB", camera=place, detected_at=now - timedelta(hours=hour)) for hour in hours]
        )
    client = logged_in(operator)
    everywhere = search(client)
    assert len(shown(everywhere)) == 5
    pins = [(pin.number, pin.name, pin.count, pin.spot is None) for pin in everywhere.context["drawing"].pins]
    assert pins == [(1, str(camera), 2, False), (2, "Mobile", 2, True), (3, "Porga", 1, False)]
    assert "lieu inconnu" in everywhere.content.decode()
    assert len(shown(search(client, period="24h"))) == 4
    assert len(shown(search(client, cameras=[str(north.pk), str(nowhere.pk)]))) == 3
    assert len(shown(search(client, area="6,0 2,0\n6.0, 3.0\n7, 3\n7 2"))) == 2
    local = timezone.localtime(now - timedelta(hours=60)), timezone.localtime(now - timedelta(hours=40))
    since, until = (f"{moment:%Y-%m-%dT%H:%M}" for moment in local)
    assert len(shown(search(client, period="custom", since=since, until=until))) == 1


def test_what_was_typed_is_shown_as_text_and_stays_in_the_form(logged_in: LogIn, operator: User) -> None:
    response = search(logged_in(operator), plate='BB6232"><script>x', reason="<b>raison</b>")
    html = response.content.decode()
    assert "<script>x" not in html
    assert "<b>raison" not in html
    assert "&lt;b&gt;raison" in html
    assert "Aucun passage ne répond à cette recherche." in html


def test_a_saved_search_keeps_the_criteria_and_asks_for_the_reason_again(
    logged_in: LogIn, operator: User, viewer: User, camera: Camera
) -> None:
    client = logged_in(operator)
    response = search(
        client, mode="wildcard", plate="BB62*", period="30d", cameras=[str(camera.pk)], case_reference="PV 1"
    )
    token = response.context["token"]
    for name in ("Berline grise", "Berline grise", " "):
        client.post(reverse("search:save", args=[token]), {"name": name})
    saved = SavedSearch.objects.get()
    assert "PV 12" not in str(saved.criteria)
    assert saved.criteria["plate"] == "BB62*"
    page = client.get(reverse("search:page"), {"enregistree": str(saved.pk)}).content.decode()
    assert 'value="BB62*"' in page
    assert re.search(rf'<option value="{camera.pk}"\s+selected', page)
    assert "PV 1" not in page
    other = logged_in(viewer)
    assert other.get(reverse("search:page"), {"enregistree": str(saved.pk)}).status_code == 404
    assert other.post(reverse("search:forget", args=[saved.pk])).status_code == 404
    assert client.get(reverse("search:page"), {"enregistree": "x"}).status_code == 404
    client.post(reverse("search:forget", args=[saved.pk]))
    assert not SavedSearch.objects.exists()


def test_a_search_of_another_session_is_not_shown(logged_in: LogIn, operator: User, viewer: User) -> None:
    response = search(logged_in(operator))
    address = reverse("search:results", args=[response.context["token"]])
    stranger = logged_in(viewer).get(address, follow=True)
    assert stranger.redirect_chain == [(reverse("search:page"), 302)]
    assert "n’est plus conservée" in stranger.content.decode()


def test_a_made_up_place_leads_to_the_first_page(logged_in: LogIn, operator: User) -> None:
    client = logged_in(operator)
    address = reverse("search:results", args=[search(client).context["token"]])
    for place in ("x", "W10", "é", "\0"):
        assert client.get(address, {"place": place}, follow=True).status_code == 200


def test_a_search_that_takes_too_long_says_so(
    logged_in: LogIn, operator: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SEARCH_TIMEOUT_MS = 1
    slow = "SELECT NULL, NULL FROM fresh, pg_sleep(1) HAVING count(*) > %(fresh_most)s"
    monkeypatch.setattr("detections.search.dictionary._LAGS", slow)
    response = search(logged_in(operator), mode="fuzzy")
    assert "La recherche prend trop de temps" in response.content.decode()
    assert AuditEvent.objects.get(action="passage.search").details["results"] is None


def test_who_may_not_see_passages_does_not_search(
    logged_in: LogIn, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.roles.VIEWER", frozenset())
    client = logged_in(viewer)
    assert client.get(reverse("search:page")).status_code == 403
    assert client.post(reverse("search:page"), FORM).status_code == 403
    assert client.get(reverse("search:results", args=["x"])).status_code == 403


def test_a_page_of_results_costs_the_same_however_much_it_shows(
    logged_in: LogIn, operator: User, new_passage: New, django_assert_max_num_queries: Any
) -> None:
    record([new_passage("BB6232RB") for _number in range(60)])
    client = logged_in(operator)
    address = reverse("search:results", args=[search(client, mode="fuzzy").context["token"]])
    with django_assert_max_num_queries(18):
        assert len(shown(client.get(address))) == 50
