"""Cameras, zones, models and sensors in the console: through services, no lost update, few queries."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, AuditEvent, User
from cameras import services
from cameras.models import Camera, ModelConfig, SensorSettings, Zone

pytestmark = pytest.mark.django_db

ADMIN = "/admin/cameras"
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5], [0, 0]]]}


@pytest.fixture
def console(admin_user: User, logged_in: Callable[[User], Client]) -> Client:
    """An administrator's browser."""
    return logged_in(admin_user)


def form_of(page: Any) -> dict[str, Any]:
    """What a browser would send of an unchanged form."""
    data: dict[str, Any] = {}
    for field in page.context["adminform"].form:
        value = field.value()
        if value is True:
            data[field.html_name] = "on"
        elif value not in (None, False):
            data[field.html_name] = value
    return data


def mistakes(answer: Any) -> dict[str, Any]:
    """Errors of a form that was refused."""
    assert answer.status_code == 200
    found: dict[str, Any] = answer.context["adminform"].form.errors
    return found


def actions() -> list[tuple[str, Any]]:
    """The trail of configuration, oldest first."""
    return [(row.action, row.details.get("fields")) for row in AuditEvent.objects.order_by("pk")]


def test_a_camera_is_made_changed_and_deleted_with_a_trail(console: Client) -> None:
    page = console.get(f"{ADMIN}/camera/add/")
    body = form_of(page) | {"name": "Igolo", "code": "igolo", "heading": "90", "plate_formats": ["BJ", "TG"]}
    answer = console.post(f"{ADMIN}/camera/add/", body)
    assert answer.status_code == 302, mistakes(answer)
    camera = Camera.objects.get()
    assert (camera.heading, camera.plate_formats, camera.time_zone) == (90, ["BJ", "TG"], "Africa/Porto-Novo")
    address = f"{ADMIN}/camera/{camera.pk}"
    unchanged = form_of(console.get(f"{address}/change/"))
    assert console.post(f"{address}/change/", unchanged).status_code == 302
    assert Camera.objects.get().revision == 1
    assert console.post(f"{address}/change/", unchanged | {"lanes": "2"}).status_code == 302
    assert Camera.objects.get().lanes == 2
    assert console.post(f"{address}/delete/", {"post": "yes"}).status_code == 302
    assert not Camera.objects.exists()
    assert actions() == [("camera.create", None), ("camera.change", ["lanes"]), ("camera.delete", None)]


def test_who_was_slower_is_told_and_overwrites_nothing(console: Client, camera: Camera) -> None:
    address = f"{ADMIN}/camera/{camera.pk}/change/"
    slow = form_of(console.get(address))
    services.change_config(camera, changes={"name": "by another"}, by=None)
    found = mistakes(console.post(address, slow | {"name": "by me"}))
    assert "modifié" in str(found["__all__"])
    assert Camera.objects.get().name == "by another"


def test_zones_are_checked_and_stay_with_their_camera(console: Client, camera: Camera) -> None:
    body = {"name": "Voie 1", "camera": camera.pk, "zone_type": "detection", "space": "picture"}
    for wrong in ('{"type": "Polygon"', '{"type": "Polygon", "coordinates": []}', "[" * 100_000, "NaN",
                  '{"type": "Polygon", "coordinates": [[[0,0],[1,1],[1,0],[0,1],[0,0]]]}',
                  '{"type": "Polygon", "coordinates": [[[NaN,0],[1,1],[1,0],[NaN,0]]]}'):  # fmt: skip
        assert "geometry" in mistakes(console.post(f"{ADMIN}/zone/add/", body | {"geometry": wrong})), wrong
    assert console.post(f"{ADMIN}/zone/add/", body | {"geometry": json.dumps(SQUARE)}).status_code == 302
    zone = Zone.objects.get()
    other = Camera.objects.create(name="Igolo", code="igolo")
    address = f"{ADMIN}/zone/{zone.pk}/change/"
    changed = form_of(console.get(address)) | {"camera": other.pk, "name": "Voie 2"}
    assert console.post(address, changed).status_code == 302
    zone.refresh_from_db()
    assert (zone.camera, zone.name) == (camera, "Voie 2")
    twice = body | {"name": "Voie 2", "geometry": json.dumps(SQUARE)}
    assert mistakes(console.post(f"{ADMIN}/zone/add/", twice))


def test_a_new_usual_model_takes_the_place_of_the_former(console: Client) -> None:
    former = ModelConfig.objects.create(name="A", engine="native", is_default=True)
    body = {"name": "B", "engine": "native", "parameters": '{"min_confidence": 0.5}', "is_default": "on"}
    wrong = body | {"parameters": '{"url": "x"}'}
    assert "parameters" in mistakes(console.post(f"{ADMIN}/modelconfig/add/", wrong))
    assert console.post(f"{ADMIN}/modelconfig/add/", body).status_code == 302
    former.refresh_from_db()
    assert not former.is_default
    assert ModelConfig.objects.get(is_default=True).name == "B"
    assert actions() == [("model.change", ["is_default"]), ("model.create", None)]


def test_a_sensor_takes_zones_of_its_camera_only(
    console: Client, camera: Camera, sensor_key: tuple[ApiKey, str]
) -> None:
    other = Camera.objects.create(name="Igolo", code="igolo")
    zones = [Zone.objects.create(name=one.code, camera=one, geometry=SQUARE) for one in (camera, other)]
    body = {
        "name": "Boîtier", "code": "boitier", "camera": camera.pk, "settings": "{}",
        "api_key": sensor_key[0].pk, "zones": [zone.pk for zone in zones],
    }  # fmt: skip
    assert "zones" in mistakes(console.post(f"{ADMIN}/sensorsettings/add/", body))
    assert console.post(f"{ADMIN}/sensorsettings/add/", body | {"zones": [zones[0].pk]}).status_code == 302
    sensor = SensorSettings.objects.get()
    assert list(sensor.zones.all()) == [zones[0]]
    address = f"{ADMIN}/sensorsettings/{sensor.pk}/change/"
    changed = form_of(console.get(address)) | {"zones": [], "is_enabled": "on"}
    assert console.post(address, changed).status_code == 302
    assert not sensor.zones.exists()
    assert actions()[-2:] == [("sensor.create", None), ("sensor.change", ["is_enabled", "zones"])]


def test_what_others_need_stays_and_the_rest_of_the_choice_goes(console: Client, camera: Camera) -> None:
    SensorSettings.objects.create(name="s", code="s", camera=camera)
    free = Camera.objects.create(name="Igolo", code="igolo")
    chosen = {"action": "delete_selected", "_selected_action": [camera.pk, free.pk], "post": "yes"}
    console.post(f"{ADMIN}/camera/", chosen)
    assert Camera.objects.filter(pk=camera.pk).exists()
    console.post(f"{ADMIN}/camera/", chosen | {"_selected_action": [free.pk]})
    assert list(Camera.objects.all()) == [camera]
    assert actions() == [("camera.delete", None)]


@pytest.mark.parametrize("name", ["camera", "zone", "modelconfig", "sensorsettings"])
def test_lists_cost_the_same_however_long_they_are_and_find_what_is_looked_for(
    console: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        model = ModelConfig.objects.create(name=f"Poste {number}", engine="native")
        one = Camera.objects.create(name=f"Poste {number}", code=f"p{number}", model=model)
        Zone.objects.create(name=f"Poste {number}", camera=one, geometry=SQUARE)
        SensorSettings.objects.create(name=f"Poste {number}", code=f"p{number}", camera=one)
    with django_assert_max_num_queries(8):
        page = console.get(f"{ADMIN}/{name}/")
    assert page.context["cl"].result_count == 30
    assert console.get(f"{ADMIN}/{name}/?q=Poste+29").context["cl"].result_count == 1


def test_viewers_see_cameras_without_addresses_and_settings(
    viewer: User, camera: Camera, logged_in: Callable[[User], Client]
) -> None:
    Camera.objects.update(rtsp_url="rtsp://officer:hunter2@10.0.0.1/geheim", settings={"loop": True})
    client = logged_in(viewer)
    page = client.get(f"{ADMIN}/camera/{camera.pk}/change/").content.decode()
    assert camera.name in page
    assert "10.0.0.1" not in page
    assert "loop" not in page
    assert client.post(f"{ADMIN}/camera/{camera.pk}/change/", {"name": "x"}).status_code == 403
