"""The pages about cameras and their API: what they show, to whom, at what cost."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, User
from cameras.models import Camera, CameraIncident, CameraLease, CameraSample
from detections import camera_charts
from detections.camera_history import DAY, PERIODS, history_of, strips_of
from detections.statistics import WEEK
from detections.tests.test_camera_health import measured, passing

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]


@pytest.fixture
def known(camera: Camera) -> Camera:
    """A camera with a day of figures, passages and an open incident."""
    now = timezone.now()
    camera.stream_url, camera.status = "http://192.0.2.7/stream", "online"
    camera.save()
    Camera.objects.filter(pk=camera.pk).update(created_at=now - timedelta(days=60))
    CameraLease.objects.create(camera=camera, holder=uuid.uuid4(), expires_at=now + timedelta(days=1))
    for minutes in range(1, 240):
        measured(camera, now - timedelta(minutes=minutes))
    passing(camera, 30, now)
    passing(camera, 40, now - WEEK)
    seen = {"camera": camera, "since": now, "found_at": now}
    CameraIncident.objects.create(**seen, kind="slow", noticed_at=now, reason="deux <images>")
    CameraIncident.objects.create(**seen, kind="late", reason="nobody was told")
    camera.refresh_from_db()
    return camera


def shown(client: Client, address: str, **headers: str) -> str:
    """A page."""
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_shows_those_in_trouble_first(logged_in: LogIn, viewer: User, known: Camera) -> None:
    Camera.objects.create(
        name="Aaa", code="aaa", stream_url="file:///x", status="error", status_reason="mort"
    )
    Camera.objects.create(name="Zzz", code="zzz", is_enabled=False)
    html = shown(logged_in(viewer), reverse("cameras:list"))
    assert html.index("Aaa") < html.index(known.name) < html.index("Zzz")
    for words in ("1 caméra en ligne sur 2", "1 avec un incident", "Trop lente", "mort", "Désactivée"):
        assert words in html
    assert "192.0.2.7" not in html
    part = shown(logged_in(viewer), reverse("cameras:list"), hx_target="cameras-list")
    assert known.name in part
    assert "<html" not in part


def test_without_cameras_the_list_says_so(logged_in: LogIn, viewer: User) -> None:
    assert "Aucune caméra" in shown(logged_in(viewer), reverse("cameras:list"))


@pytest.mark.parametrize("period", PERIODS)
def test_the_charts_have_their_figures_in_words_and_in_a_table(
    logged_in: LogIn, viewer: User, known: Camera, period: str
) -> None:
    html = shown(logged_in(viewer), f"{reverse('cameras:detail', args=[known.code])}?periode={period}")
    assert html.count('<svg viewBox="0 0 440 160"') == 4
    assert html.count('role="img"') == 4
    assert "30 passages\N{NO-BREAK SPACE};" in html
    assert html.count('<th scope="row">') == PERIODS[period].stretches
    drawn = re.findall(r' (?:points|x|y|width|height)="([^"]*)"', html)
    # Numbers of drawings are not written as people write them.
    assert len(drawn) > 70
    assert all(re.fullmatch(r"[0-9.]+|[0-9]+\.[0-9],[0-9.]+( [0-9.]+,[0-9.]+)*", text) for text in drawn)


def test_the_detail_shows_incidents_that_were_told(logged_in: LogIn, viewer: User, known: Camera) -> None:
    html = shown(logged_in(viewer), reverse("cameras:detail", args=[known.code]))
    assert "deux &lt;images&gt;" in html
    assert "nobody was told" not in html
    assert "prendre-en-compte" not in html, "a viewer cannot acknowledge"
    now = shown(logged_in(viewer), reverse("cameras:detail", args=[known.code]), hx_target="camera-now")
    assert "deux &lt;images&gt;" in now
    assert "<svg viewBox" not in now
    past = shown(logged_in(viewer), reverse("cameras:detail", args=[known.code]), hx_target="camera-past")
    assert past.count("<svg viewBox") == 4
    assert "deux" not in past


def test_an_operator_acknowledges_an_incident(
    logged_in: LogIn, operator: User, viewer: User, known: Camera
) -> None:
    told, untold = CameraIncident.objects.order_by("noticed_at")
    address = reverse("cameras:acknowledge", args=[told.pk])
    assert logged_in(viewer).post(address).status_code == 403
    client = logged_in(operator)
    assert ">1<" in shown(client, reverse("cameras:count"))
    assert client.get(address).status_code == 405
    assert client.post(reverse("cameras:acknowledge", args=[untold.pk])).status_code == 404
    html = client.post(address, follow=True).content.decode()
    assert "Vous avez pris acte de cet incident" in html
    assert "Acte pris par Operator Test" in html
    assert AuditEvent.objects.filter(action="camera_incident.acknowledge", actor=operator).count() == 1
    assert "Quelqu’un avait déjà pris acte" in client.post(address, follow=True).content.decode()
    assert "hidden" in shown(client, reverse("cameras:count"))


def test_who_may_not_see_cameras_sees_nothing(
    client: Client,
    known: Camera,
    viewer: User,
    sensor_key: tuple[ApiKey, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = [reverse("cameras:list"), reverse("cameras:detail", args=[known.code]), reverse("cameras:count")]
    api = [reverse("api:cameras-health"), reverse("api:camera-health", args=[known.pk])]
    assert [client.get(page).status_code for page in pages] == [302] * 3
    assert [client.get(page).status_code for page in api] == [401] * 2
    assert [client.get(page, headers={"X-API-Key": sensor_key[1]}).status_code for page in api] == [403] * 2
    monkeypatch.setattr("accounts.roles.VIEWER", frozenset({"alerts.view_alert"}))
    client.force_login(viewer)
    assert [client.get(page).status_code for page in [*pages, *api]] == [403] * 5
    assert not CameraIncident.objects.visible_to(viewer).exists()


def test_an_unknown_camera_is_not_found(logged_in: LogIn, viewer: User) -> None:
    client = logged_in(viewer)
    assert client.get(reverse("cameras:detail", args=["nowhere"])).status_code == 404
    assert client.get(reverse("api:camera-health", args=[4711])).status_code == 404


@pytest.mark.parametrize(("name", "most"), [("list", 11), ("detail", 13)])
def test_pages_cost_as_much_for_many_cameras_as_for_one(
    logged_in: LogIn, viewer: User, known: Camera, name: str, most: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        other = Camera.objects.create(name=f"c{number}", code=f"c{number}", stream_url="http://192.0.2.9/")
        measured(other, timezone.now())
    client = logged_in(viewer)
    address = reverse(f"cameras:{name}", args=[known.code] if name == "detail" else [])
    with django_assert_max_num_queries(most):
        shown(client, address)


def test_the_api_tells_all_cameras(logged_in: LogIn, viewer: User, known: Camera) -> None:
    Camera.objects.create(name="Zzz", code="zzz", is_enabled=False)
    rows = logged_in(viewer).get(reverse("api:cameras-health")).json()
    assert [(row["code"], row["state"]) for row in rows] == [(known.code, "online"), ("zzz", "off")]
    assert [incident["kind"] for incident in rows[0]["incidents"]] == ["slow"]
    assert rows[0]["passages"] == 30
    assert rows[0]["passages_expected"] == 0, "one week of four had passages: the median is none"


# --- What is drawn ----------------------------------------------------------------------------------------


def test_history_has_what_was_measured_and_gaps_where_nothing_was(known: Camera) -> None:
    now = timezone.now()
    CameraSample.objects.filter(minute__lt=now - timedelta(hours=2)).delete()
    points = history_of(known, DAY, now=now)
    assert len(points) == 48
    assert points[-2].fps == pytest.approx(5)
    assert points[-2].read_ms == pytest.approx(80)
    assert points[-2].online == pytest.approx(1)
    assert (points[0].fps, points[0].online) == (None, 0)
    assert sum(point.passages for point in points) == 30
    [chart] = [chart for chart in camera_charts.charts_of(points) if chart.key == "fps"]
    [measured_line] = [line for line in chart.lines if line.style == "actual"]
    assert len(measured_line.pieces) == 1
    assert chart.summary.startswith("5,0 en moyenne")


def test_expected_passages_are_for_the_part_that_has_passed(known: Camera) -> None:
    now = timezone.now().replace(minute=15, second=30, microsecond=0)
    for week in (1, 2, 3, 4):
        passing(known, 60, now.replace(minute=30, second=0) - week * WEEK, over=timedelta(minutes=30))
    assert history_of(known, DAY, now=now)[-1].expected == pytest.approx(30, abs=0.5)


def test_the_strip_of_a_day_tells_good_from_bad(known: Camera) -> None:
    now = timezone.now()
    strip = strips_of([known], now=now)[known.pk]
    assert len(strip.cells) == 48
    assert strip.cells[-1][1] == strip.cells[-2][1] == "good"
    assert strip.cells[0][1] == "off"
    assert strip.online == pytest.approx(239 / (48 * 30), abs=0.03)


@pytest.mark.parametrize(
    ("value", "most"), [(0.2, "0,2"), (1, "1"), (5.9, "6"), (61, "80"), (101, "200"), (0.031, "0,04")]
)
def test_axes_end_at_round_numbers(known: Camera, value: float, most: str) -> None:
    starts = [point.start for point in history_of(known, DAY, now=timezone.now())]
    assert camera_charts.Paper(starts, [value]).up()[-1].word == most
