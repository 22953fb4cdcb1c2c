"""The pages about alerts: what an officer sees, may do, and leaves behind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from alerts import services
from alerts.models import Alert, AlertStatus
from cameras.models import Camera
from conftest import picture
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
New = Callable[..., NewPassage]
Raise = Callable[..., Alert]
BOX = [200, 200, 320, 230]


@pytest.fixture
def raised(new_passage: New, theft: StolenVehicle) -> Raise:
    """Stores a passage with a photo and gives the alert that it raises."""

    def _raised(plate: str = "BB6232RB", **changes: Any) -> Alert:
        fields = {"frame": picture(), "bounding_box": BOX} | changes
        [outcome] = record([new_passage(plate, **fields)])
        passages = Detection.objects.select_related("camera").filter(pk__in=[outcome.detection_id])
        [alert] = services.match_passages(list(passages))
        return alert

    return _raised


def page(client: Client, name: str, *args: int, **query: str) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_an_exact_hit_shows_one_plate_and_where_and_why(
    logged_in: LogIn, operator: User, raised: Raise
) -> None:
    html = page(logged_in(operator), "alerts:detail", raised().pk)
    assert 'aria-label="Plaque B B 6 2 3 2 R B"' in html
    assert "plate--grid" not in html
    for words in (
        "Rapprochement exact",
        "Sèmè-Kraké 1",
        "PV-2026-0001",
        "Commissariat de Cotonou",
        "6,3800°",
    ):
        assert words in html
    assert 'viewBox="0 0 640 360"' in html
    assert 'points="200,200 320,200 320,230 200,230"' in html


def test_a_near_hit_shows_both_plates_and_joins_what_differs(
    logged_in: LogIn, operator: User, raised: Raise
) -> None:
    html = page(logged_in(operator), "alerts:detail", raised("8B6232RB").pk)
    assert "Rapprochement probable\xa0: vérifiez la photo" in html
    assert "Lue\xa0: Plaque 8 B 6 2 3 2 R B" in html
    assert "Signalée\xa0: Plaque B B 6 2 3 2 R B" in html
    assert '<span class="plate__differs">8</span><span class="plate__char">B</span>' in html
    assert '<span class="plate__differs">B</span><span class="plate__char">B</span>' in html
    assert html.count("Souvent confondus") == 2  # a title and the words for screen readers


@pytest.mark.parametrize(("language", "words"), [("fr", "Prendre en compte"), ("en", "Acknowledge")])
def test_list_and_detail_speak_the_language_of_the_browser(
    logged_in: LogIn, operator: User, raised: Raise, language: str, words: str
) -> None:
    alert = raised()
    client = logged_in(operator)
    client.cookies.load({"django_language": language})
    assert words in page(client, "alerts:list")
    assert words in page(client, "alerts:detail", alert.pk)


def test_a_viewer_reads_but_has_no_button_and_no_contact(
    logged_in: LogIn, viewer: User, raised: Raise
) -> None:
    alert = raised()
    client = logged_in(viewer)
    html = page(client, "alerts:detail", alert.pk)
    assert "PV-2026-0001" in html
    assert "A. Dossou" not in html
    assert "data-acknowledge" not in html
    assert "data-acknowledge" not in page(client, "alerts:list")
    response = client.post(reverse("alerts:acknowledge", args=[alert.pk]))
    assert response.status_code == 403
    assert "Votre profil ne le permet pas" in response.content.decode()
    alert.refresh_from_db()
    assert alert.status == AlertStatus.NEW


def test_an_operator_sees_the_contact(logged_in: LogIn, operator: User, raised: Raise) -> None:
    assert "A. Dossou" in page(logged_in(operator), "alerts:detail", raised().pk)


def test_acknowledging_says_so_and_the_second_officer_reads_who_was_first(
    logged_in: LogIn, operator: User, admin_user: User, raised: Raise
) -> None:
    alert = raised()
    address = reverse("alerts:acknowledge", args=[alert.pk])
    response = logged_in(operator).post(address, follow=True, REMOTE_ADDR="10.0.0.9")
    assert response.redirect_chain[-1][0] == reverse("alerts:detail", args=[alert.pk])
    assert "Vous avez pris cette alerte en compte." in response.content.decode()
    event = AuditEvent.objects.get(action="alert.acknowledge")
    assert (event.actor, event.ip_address) == (operator, "10.0.0.9")

    second = logged_in(admin_user).post(address, follow=True).content.decode()
    assert "Operator Test a pris cette alerte en compte avant vous, le " in second
    assert "Prise en compte par Operator Test" in second
    again = logged_in(operator).post(address, follow=True).content.decode()
    assert "Vous aviez déjà pris cette alerte en compte" in again
    alert.refresh_from_db()
    assert alert.acknowledged_by == operator


def test_the_button_of_a_list_leads_back_to_it_but_never_to_another_site(
    logged_in: LogIn, operator: User, raised: Raise
) -> None:
    alert = raised()
    client = logged_in(operator)
    address = reverse("alerts:acknowledge", args=[alert.pk])
    assert client.post(address, {"next": "/alertes/?etat=toutes"})["Location"] == "/alertes/?etat=toutes"
    assert client.post(address, {"next": "https://evil.example/"})["Location"] == f"/alertes/{alert.pk}/"
    assert client.get(address).status_code == 405


def test_an_alert_that_does_not_exist_is_404_for_each_address(logged_in: LogIn, operator: User) -> None:
    client = logged_in(operator)
    for name in ("detail", "frame", "crop"):
        assert client.get(reverse(f"alerts:{name}", args=[999])).status_code == 404
    assert client.post(reverse("alerts:acknowledge", args=[999])).status_code == 404


def test_pictures_are_private_and_typed(logged_in: LogIn, viewer: User, raised: Raise) -> None:
    alert = raised()
    client = logged_in(viewer)
    for name in ("frame", "crop"):
        response = client.get(reverse(f"alerts:{name}", args=[alert.pk]))
        assert response.status_code == 200
        assert response["Content-Type"] == "image/jpeg"
        assert response["Cache-Control"] == "private, max-age=3600"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert b"".join(response).startswith(b"\xff\xd8")


def test_a_photo_that_is_gone_leaves_a_designed_place(logged_in: LogIn, viewer: User, raised: Raise) -> None:
    alert = raised()
    default_storage.delete(alert.image_path)
    client = logged_in(viewer)
    assert client.get(reverse("alerts:frame", args=[alert.pk])).status_code == 404
    assert "Il n’y a pas de photo." in page(client, "alerts:detail", alert.pk)
    bare = raised("BB6232RB", frame=None, bounding_box=None, detected_at=timezone.now() - timedelta(hours=2))
    assert client.get(reverse("alerts:crop", args=[bare.pk])).status_code == 404
    assert "crop--none" in page(client, "alerts:list")


def test_what_a_report_says_is_shown_as_text(
    logged_in: LogIn, operator: User, raised: Raise, theft: StolenVehicle, camera: Camera
) -> None:
    theft.description = "<script>alert(1)</script>"
    theft.save()
    camera.name = '"><img src=x onerror=alert(1)>'
    camera.save()
    alert = raised()
    client = logged_in(operator)
    everything = (
        page(client, "alerts:detail", alert.pk) + page(client, "alerts:list") + page(client, "dashboard")
    )
    everything += page(client, "alerts:live", partie="compte")
    assert "<script>alert" not in everything
    assert "<img src=x" not in everything
    assert "&lt;script&gt;alert(1)" in everything


def test_looking_at_an_alert_is_noted_once_an_hour(logged_in: LogIn, viewer: User, raised: Raise) -> None:
    alert = raised()
    client = logged_in(viewer)
    looks = AuditEvent.objects.filter(action="alert.view", target_id=str(alert.pk), actor=viewer)
    for _ in range(3):
        page(client, "alerts:detail", alert.pk)
    assert looks.count() == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        page(client, "alerts:detail", alert.pk)
    assert looks.count() == 2


def test_the_list_shows_open_alerts_and_all_on_demand(
    logged_in: LogIn, operator: User, raised: Raise
) -> None:
    alert = raised()
    Alert.objects.filter(pk=alert.pk).update(
        status=AlertStatus.REJECTED, acknowledged_at=timezone.now(), acknowledged_by=operator
    )
    client = logged_in(operator)
    row = f'data-alert-id="{alert.pk}"'
    assert row not in page(client, "alerts:list")
    assert "Aucune alerte ouverte." in page(client, "alerts:list")
    assert row in page(client, "alerts:list", etat="toutes")
    assert "Fausse alerte" in page(client, "alerts:list", etat="toutes")


@pytest.fixture
def many(raised: Raise) -> list[Alert]:
    """65 open alerts; pairs of them were raised in the same microsecond."""
    first = raised()
    now = timezone.now()
    copies = []
    for number in range(64):
        copy = Alert.objects.get(pk=first.pk)
        copy.pk, copy.detection_id = None, 10_000 + number
        copies.append(copy)
    Alert.objects.bulk_create(copies)
    for number, alert in enumerate(Alert.objects.order_by("pk")):
        Alert.objects.filter(pk=alert.pk).update(created_at=now - timedelta(minutes=number // 2))
    return list(Alert.objects.all())


def test_pages_of_the_list_show_each_alert_once(logged_in: LogIn, viewer: User, many: list[Alert]) -> None:
    client = logged_in(viewer)
    address, shown = reverse("alerts:list"), []
    for _ in range(3):
        response = client.get(address)
        shown += [alert.pk for alert in response.context["page"].rows]
        address = f"{reverse('alerts:list')}?before={response.context['page'].older}"
    assert response.context["page"].older == ""
    assert len(shown) == 65
    assert set(shown) == {alert.pk for alert in many}


@pytest.mark.parametrize("mark", ["x", "1-2-3", "99999999999999999999-1", "-", "1-99999999999999999999"])
def test_a_broken_place_in_the_list_is_404(logged_in: LogIn, viewer: User, mark: str) -> None:
    assert logged_in(viewer).get(reverse("alerts:list"), {"before": mark}).status_code == 404


@pytest.mark.parametrize(("name", "most"), [("alerts:list", 6), ("alerts:live", 4), ("dashboard", 14)])
def test_lists_cost_the_same_however_many_alerts(
    logged_in: LogIn,
    operator: User,
    many: list[Alert],
    django_assert_max_num_queries: Any,
    name: str,
    most: int,
) -> None:
    client = logged_in(operator)
    with django_assert_max_num_queries(most):
        page(client, name)


def test_detail_costs_few_queries(
    logged_in: LogIn, operator: User, raised: Raise, django_assert_max_num_queries: Any
) -> None:
    alert = raised()
    client = logged_in(operator)
    with django_assert_max_num_queries(12):
        page(client, "alerts:detail", alert.pk)


def test_fragments_tell_numbers_and_the_newest_alert_in_words(
    logged_in: LogIn, viewer: User, raised: Raise
) -> None:
    client = logged_in(viewer)
    assert "Aucune alerte ouverte." in page(client, "alerts:live")
    assert 'data-newest-alert="0"' in page(client, "alerts:live", partie="compte")
    alert = raised()
    count = page(client, "alerts:live", partie="compte")
    assert 'data-new-alerts="1"' in count
    assert f'data-newest-alert="{alert.pk}"' in count
    assert "Nouvelle alerte\xa0: plaque BB6232RB, Rapprochement exact, Sèmè-Kraké 1." in count
    assert "<html" not in page(client, "alerts:live")


def test_alerts_nobody_has_come_first_in_the_fragment(
    logged_in: LogIn, operator: User, raised: Raise
) -> None:
    older = raised(detected_at=timezone.now() - timedelta(hours=3))
    newer = raised()
    services.acknowledge(newer.pk, by=operator)
    response = logged_in(operator).get(reverse("alerts:live"))
    assert [alert.pk for alert in response.context["alerts"]] == [older.pk, newer.pk]
