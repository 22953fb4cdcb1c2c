"""What a zone is drawn on: the camera's shape, its other zones, its newest picture."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from cameras import pictures
from cameras.models import Camera, Zone
from cameras.tests.test_config_console import SQUARE
from conftest import picture

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]


def address(camera: Camera, name: str) -> str:
    return f"/admin/cameras/camera/{camera.pk}/{name}"


@pytest.fixture
def console(admin_user: User, logged_in: LogIn) -> Client:
    """An administrator's browser."""
    return logged_in(admin_user)


def test_the_drawing_knows_the_shape_of_the_picture_and_the_cameras_other_zones(
    console: Client, camera: Camera
) -> None:
    assert {**console.get(address(camera, "dessin/")).json(), "pictures": []} == {
        "width": 16, "height": 9, "zones": [], "pictures": [], "trial": address(camera, "connexion/"),
    }  # fmt: skip
    Camera.objects.update(width=1920, height=1200)
    elsewhere = Camera.objects.create(name="Igolo", code="igolo")
    zone = Zone.objects.create(name="Voie 1", camera=camera, geometry=SQUARE, zone_type="parking")
    Zone.objects.create(name="Carte", camera=camera, geometry=SQUARE, space="map")
    Zone.objects.create(name="Ailleurs", camera=elsewhere, geometry=SQUARE)
    told = console.get(address(camera, "dessin/")).json()
    assert (told["width"], told["height"]) == (1920, 1200)
    assert told["zones"] == [{"id": zone.pk, "name": "Voie 1", "type": "parking", "geometry": SQUARE}]
    assert console.get("/admin/cameras/camera/999/dessin/").status_code == 404


def test_the_newest_live_picture_is_drawn_on_and_the_look_is_noted(
    console: Client, camera: Camera, settings: Any
) -> None:
    pictures.put_live(camera.pk, picture(), {})
    shown = console.get(address(camera, "image"))
    assert shown.content == picture()
    assert "no-store" in shown.headers["Cache-Control"]
    assert AuditEvent.objects.get().action == "camera.picture"
    console.get(address(camera, "image"))
    assert AuditEvent.objects.count() == 1
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert console.get(address(camera, "image")).status_code == 404


def test_without_javascript_the_text_is_there_and_what_was_sent_is_kept(
    console: Client, camera: Camera
) -> None:
    page = console.get("/admin/cameras/zone/add/").content.decode()
    assert "data-drawing" in page
    assert '<textarea name="geometry"' in page
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    body = {"name": "X", "camera": camera.pk, "zone_type": "detection", "space": "picture"}
    page = console.post("/admin/cameras/zone/add/", body | {"geometry": json.dumps(bow)}).content.decode()
    assert "se croise" in page
    assert "[1, 1], [1, 0], [0, 1]" in page


def test_who_may_only_see_zones_sees_no_drawing(operator: User, camera: Camera, logged_in: LogIn) -> None:
    zone = Zone.objects.create(name="Voie 1", camera=camera, geometry=SQUARE)
    page = logged_in(operator).get(f"/admin/cameras/zone/{zone.pk}/change/")
    assert page.status_code == 200
    assert "data-drawing" not in page.content.decode()


def test_a_hundred_thousand_points_are_refused_with_a_page_that_says_why(
    console: Client, camera: Camera, settings: Any
) -> None:
    ring = [[round(number / 1e5, 5), 0.5] for number in range(100_000)]
    body = {"name": "X", "camera": camera.pk, "zone_type": "detection", "space": "picture"}
    body["geometry"] = json.dumps({"type": "Polygon", "coordinates": [ring]})
    page = console.post("/admin/cameras/zone/add/", body)
    assert page.status_code == 200
    assert "1000" in str(page.context["adminform"].form.errors["geometry"])
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
    console.raise_request_exception = False
    refused = console.post("/admin/cameras/zone/add/", body)
    assert refused.status_code == 400
    assert "trop volumineuse" in refused.content.decode()
