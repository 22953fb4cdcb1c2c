"""The page of statistics: what it shows, to whom, at what cost."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from cameras.models import Camera
from conftest import at
from detections import counting, statistics_views
from detections.tests.test_camera_health import passing

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
NOW = at("2026-11-21T10:20:00+00:00")


@pytest.fixture
def busy(camera: Camera) -> Camera:
    """A camera known for two months that did far less than usual, and one that did nothing."""
    Camera.objects.filter(pk=camera.pk).update(created_at=NOW - timedelta(days=60))
    for week, count in enumerate((20, 60, 70, 50, 60)):
        passing(camera, count, NOW.replace(minute=0) - timedelta(weeks=week))
    Camera.objects.create(name="Zogbodomey", code="zogbodomey")
    return camera


def page(client: Client, **query: str) -> str:
    """The page at NOW, spaces as plain ones."""
    with time_machine.travel(NOW, tick=False):
        client.force_login(User.objects.get())
        response = client.get(reverse("statistics"), query)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode().replace("\N{NO-BREAK SPACE}", " "))


def test_it_shows_days_hours_cameras_and_vehicles(client: Client, viewer: User, busy: Camera) -> None:
    html = page(client)
    assert ">20</b> <span> passages depuis le 15 novembre 2026 </span>" in html
    assert html.count('class="chart__bar"') == 1
    assert "3 en moyenne" not in html
    assert 'title="samedi, 10 h : 20 passages en moyenne">20<' in html
    assert 'title="samedi, 12 h : pas encore dans cette période"' in html
    assert html.index(busy.name) < html.index("Zogbodomey")
    assert "Bien moins que d’habitude" in html
    assert "non précisé" in html


def test_the_same_in_english(client: Client, viewer: User, busy: Camera, settings: Any) -> None:
    client.cookies.load({settings.LANGUAGE_COOKIE_NAME: "en"})
    html = page(client)
    assert "Far fewer than usual" in html
    assert 'title="Saturday, 10 h: 20 passages on average"' in html


@pytest.mark.parametrize("period", statistics_views.PERIODS)
def test_each_period_is_complete_before_and_after_counting(
    client: Client, viewer: User, busy: Camera, period: str
) -> None:
    before = page(client, periode=period)
    assert f'href="?periode={period}" aria-current="page"' in before
    figures = re.findall(r'figure__number">([^<]*)<', before)
    assert figures == ["20" if period in {"24h", "7j"} else "260"]
    counting.count_new()
    assert re.findall(r'figure__number">([^<]*)<', page(client, periode=period)) == figures


def test_without_passages_it_says_so(client: Client, viewer: User, camera: Camera) -> None:
    assert "Aucun passage sur cette période." in page(client, periode="nonsense")


def test_who_may_not_see_passages_sees_no_figures(
    client: Client, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(reverse("statistics")).status_code == 302
    monkeypatch.setattr("accounts.roles.VIEWER", frozenset({"alerts.view_alert"}))
    client.force_login(viewer)
    assert client.get(reverse("statistics")).status_code == 403


def test_it_costs_as_much_for_many_cameras_as_for_one(
    client: Client, viewer: User, busy: Camera, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        passing(Camera.objects.create(name=f"c{number}", code=f"c{number}"), 2, NOW)
    client.force_login(viewer)
    with django_assert_max_num_queries(12), time_machine.travel(NOW, tick=False):
        client.get(reverse("statistics"))
