"""/api/v1/config: create, list, get, update, delete; who may; no lost update; no secret told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from accounts.models import ApiKey, AuditEvent, User
from cameras import services
from cameras.models import Camera, ModelConfig, SensorSettings, Zone
from conftest import at

pytestmark = pytest.mark.django_db

BASE = "/api/v1/config"
SECRET = "rtsp://officer:hunter2@10.0.0.1:554/Streaming/Channels/101"
MASKED = "rtsp://***@10.0.0.1:554/Streaming/Channels/101"
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5], [0, 0]]]}
Call = Callable[..., Any]


def caller(client: Client) -> Call:
    """Calls the API with JSON bodies."""

    def _call(method: str, path: str, body: Any = None, seen: str | None = None, **headers: str) -> Any:
        if seen is not None:
            headers["If-Match"] = seen
        data = body if isinstance(body, str) else json.dumps(body)
        return client.generic(
            method, f"{BASE}/{path}", "" if body is None else data, "application/json", headers=headers
        )

    return _call


@pytest.fixture
def call(admin_user: User, logged_in: Callable[[User], Client]) -> Call:
    """Calls by an administrator."""
    return caller(logged_in(admin_user))


@pytest.fixture
def zone(camera: Camera) -> Zone:
    """A zone."""
    return Zone.objects.create(name="Voie 1", camera=camera, geometry=SQUARE)


def errors(response: Any, status: int) -> set[tuple[str, str]]:
    """(field, code) of each error, in the one format."""
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == {"detail", "timestamp", "errors"}
    assert body["detail"]
    return {(row["field"], row["code"]) for row in body["errors"]}


def bodies(camera: Camera) -> dict[str, dict[str, Any]]:
    """A new row of each kind."""
    return {
        "cameras": {"name": "Igolo", "code": "igolo"},
        "zones": {"name": "Trottoir", "camera": camera.code, "zone_type": "exclusion", "geometry": SQUARE},
        "models": {"name": "Sûr", "engine": "native", "parameters": {"min_confidence": 0.5}},
        "sensors": {"name": "Boîtier", "code": "boitier", "camera": camera.code, "settings": {"led": True}},
    }


KINDS = ["cameras", "zones", "models", "sensors"]
NOUNS = {"cameras": "camera", "zones": "zone", "models": "model", "sensors": "sensor"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_lives_from_post_to_delete(call: Call, camera: Camera, admin_user: User, kind: str) -> None:
    body = bodies(camera)[kind]
    made = call("POST", kind, body)
    assert made.status_code == 201, made.content
    row = made.json()
    assert body.items() <= row.items()
    assert made["Location"].endswith(f"{BASE}/{kind}/{row['id']}")
    path = f"{kind}/{row['id']}"
    got = call("GET", path)
    assert got.json() == row
    assert got["ETag"] == made["ETag"] == f'"{row["id"]}-1"'
    assert row["id"] in [one["id"] for one in call("GET", kind).json()["results"]]
    changed = call("PATCH", path, {"name": "Autre"}, seen=got["ETag"])
    assert changed.status_code == 200, changed.content
    assert (changed.json()["name"], changed.json()["revision"]) == ("Autre", 2)
    assert changed["ETag"] == f'"{row["id"]}-2"'
    put = call("PUT", path, body, seen=changed["ETag"])
    assert put.json()["name"] == body["name"]
    assert call("DELETE", path, seen=put["ETag"]).status_code == 204
    assert call("GET", path).status_code == 404
    trail = AuditEvent.objects.order_by("pk")
    noun = NOUNS[kind]
    assert [one.action for one in trail] == [
        f"{noun}.create", f"{noun}.change", f"{noun}.change", f"{noun}.delete",
    ]  # fmt: skip
    assert {one.actor for one in trail} == {admin_user}
    assert {one.ip_address for one in trail} == {"127.0.0.1"}


@pytest.mark.parametrize("kind", KINDS)
def test_writes_need_the_revision_that_was_seen(call: Call, camera: Camera, kind: str) -> None:
    made = call("POST", kind, bodies(camera)[kind])
    path, first = f"{kind}/{made.json()['id']}", made["ETag"]
    for method in ("PUT", "PATCH", "DELETE"):
        assert errors(call(method, path, {"name": "x"}), 428) == {("", "if_match_required")}
    assert call("PATCH", path, {"name": "first writer"}, seen=first).status_code == 200
    for seen in (first, f"W/{first}", '"1-999"', "nonsense", f'{first}, "x"'):
        for method in ("PUT", "PATCH", "DELETE"):
            assert errors(call(method, path, {"name": "second"}, seen=seen), 412) == {("", "stale")}
    assert call("GET", path).json()["name"] == "first writer"
    now = call("GET", path)["ETag"]
    assert call("PATCH", path, {"name": "third"}, seen=f'"other", {now}').status_code == 200
    assert call("PATCH", path, {"name": "by force"}, seen="*").json()["name"] == "by force"
    assert call("DELETE", path, seen="*").status_code == 204


def test_a_writer_between_look_and_lock_is_noticed(
    call: Call, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = call("GET", f"cameras/{camera.pk}")["ETag"]
    change = services.change_config

    def late(row: Any, **named: Any) -> Any:
        Camera.objects.update(revision=5)
        return change(row, **named)

    monkeypatch.setattr(services, "change_config", late)
    answer = call("PATCH", f"cameras/{camera.pk}", {"name": "x"}, seen=seen)
    assert errors(answer, 412) == {("", "stale")}


def test_a_write_that_another_was_quicker_with_is_a_conflict(
    call: Call, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(_self: Camera, **_named: Any) -> None:
        raise IntegrityError("duplicate key")

    monkeypatch.setattr(Camera, "save", taken)
    assert errors(call("POST", "cameras", {"name": "x", "code": "x"}), 409) == {("", "conflict")}


# --- Who may -----------------------------------------------------------------------------------------------

SEEN_BY = {
    "cameras": {"admin", "operator", "viewer"},
    "zones": {"admin", "operator"},
    "models": {"admin"},
    "sensors": {"admin"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_roles_see_what_is_theirs_and_administrators_alone_write(
    call: Call,
    camera: Camera,
    admin_user: User,
    operator: User,
    viewer: User,
    logged_in: Callable[[User], Client],
    kind: str,
) -> None:
    made = call("POST", kind, bodies(camera)[kind])
    path = f"{kind}/{made.json()['id']}"
    for user in (admin_user, operator, viewer):
        theirs = caller(logged_in(user))
        expected = 200 if user.role in SEEN_BY[kind] else 403
        assert theirs("GET", kind).status_code == expected, user.role
        assert theirs("GET", path).status_code == expected, user.role
        if user != admin_user:
            for method, where in (("POST", kind), ("PUT", path), ("PATCH", path), ("DELETE", path)):
                answer = theirs(method, where, {"name": "x"}, seen="*")
                assert errors(answer, 403) == {("", "permission_denied")}, (user.role, method)
    assert call("GET", path).json()["revision"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_strangers_and_keys_are_refused(client: Client, sensor_key: tuple[ApiKey, str], kind: str) -> None:
    assert errors(caller(client)("GET", kind), 401) == {("", "not_authenticated")}
    for method in ("GET", "POST"):
        answer = caller(client)(method, kind, {}, **{"X-API-Key": sensor_key[1]})
        assert errors(answer, 403) == {("", "permission_denied")}


def test_a_session_needs_its_csrf_token(admin_user: User, camera: Camera) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)
    assert caller(strict)("DELETE", f"cameras/{camera.pk}", seen="*").status_code == 403


# --- Secrets -----------------------------------------------------------------------------------------------


def test_addresses_are_told_masked_to_who_may_change_them_and_to_nobody_else(
    call: Call, viewer: User, logged_in: Callable[[User], Client], caplog: pytest.LogCaptureFixture
) -> None:
    made = call("POST", "cameras", {"name": "x", "code": "x", "rtsp_url": SECRET, "settings": {"loop": True}})
    assert made.json()["rtsp_url"] == MASKED
    path = f"cameras/{made.json()['id']}"
    answers = [made, call("GET", path), call("GET", "cameras")]
    answers.append(call("PUT", path, made.json(), seen=made["ETag"]))
    assert answers[-1].status_code == 200
    assert answers[-1].json()["revision"] == 1, "what was read and sent back changes nothing"
    assert Camera.objects.get().rtsp_url == SECRET
    wrong = {"rtsp_url": "rtsp://***@evil.example:554/Streaming/Channels/101"}
    answers.append(call("PATCH", path, wrong, seen="*"))
    assert errors(answers[-1], 400) == {("rtsp_url", "masked")}
    for bad in ("rtsp://officer:hunter2@[::1", "ftp://officer:hunter2@a/", SECRET + "\0", SECRET + "x" * 500):
        answers.append(call("PATCH", path, {"rtsp_url": bad}, seen="*"))
        assert answers[-1].status_code == 400
    answers.append(call("PATCH", path, {"rtsp_url": SECRET + "?token=hunter2"}, seen="*"))
    assert answers[-1].json()["rtsp_url"] == MASKED + "?***"
    theirs = caller(logged_in(viewer))
    answers += [theirs("GET", path), theirs("GET", "cameras")]
    assert not {"stream_url", "rtsp_url", "settings"} & set(answers[-2].json())
    for answer in answers:
        assert "hunter2" not in answer.content.decode()
        assert "hunter2" not in str(answer.headers)
    assert "hunter2" not in caplog.text
    assert "hunter2" not in str(list(AuditEvent.objects.values()))


def test_a_model_takes_no_password_in_its_url(call: Call) -> None:
    body = {"name": "x", "engine": "http", "parameters": {"url": "http://officer:hunter2@a/"}}
    answer = call("POST", "models", body)
    assert errors(answer, 400) == {("parameters", "invalid")}
    assert "hunter2" not in answer.content.decode()


# --- What is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changes", "field", "code"),
    [
        ("cameras", {"name": ""}, "name", "blank"),
        ("cameras", {"code": "a b"}, "code", "invalid"),
        ("cameras", {"code": "seme-krake-1"}, "code", "unique"),
        ("cameras", {"fps": 61}, "fps", "max_value"),
        ("cameras", {"fps": "nan"}, "fps", "invalid"),
        ("cameras", {"latitude": 91, "longitude": 2}, "latitude", "max_value"),
        ("cameras", {"latitude": "nan", "longitude": 2}, "latitude", "invalid"),
        ("cameras", {"latitude": 6.1}, "", "invalid"),
        ("cameras", {"width": 1920}, "", "invalid"),
        ("cameras", {"heading": 360}, "heading", "max_value"),
        ("cameras", {"lanes": 0}, "lanes", "min_value"),
        ("cameras", {"direction": "up"}, "direction", "invalid_choice"),
        ("cameras", {"time_zone": "Africa/Atlantis"}, "time_zone", "invalid"),
        ("cameras", {"plate_formats": ["XX"]}, "plate_formats", "invalid"),
        ("cameras", {"plate_formats": "BJ"}, "plate_formats", "not_a_list"),
        ("cameras", {"model": 10**30}, "model", "does_not_exist"),
        ("cameras", {"settings": {"lop": 1}}, "settings", "invalid"),
        ("cameras", {"settings": "{}x"}, "settings", "invalid"),
        ("zones", {"camera": "nowhere"}, "camera", "unknown"),
        ("zones", {"zone_type": "x"}, "zone_type", "invalid_choice"),
        ("zones", {"geometry": None}, "geometry", "null"),
        ("zones", {"space": "map", "geometry": {**SQUARE, "type": "Point"}}, "geometry", "geometry_type"),
        ("models", {"engine": "nope"}, "engine", "invalid"),
        ("models", {"weights_path": "../x"}, "weights_path", "invalid"),
        ("models", {"weights_digest": "0" * 64}, "", "invalid"),
        ("models", {"parameters": {"url": "http://a/"}}, "parameters", "invalid"),
        ("sensors", {"zones": [10**30]}, "zones", "does_not_exist"),
        ("sensors", {"api_key": "nope"}, "api_key", "does_not_exist"),
        ("sensors", {"settings": [1]}, "settings", "invalid"),
        ("sensors", {"settings": {"a": "x" * 20000}}, "settings", "too_large"),
    ],
)
def test_what_is_wrong_is_told_by_field_and_nothing_is_stored(
    call: Call, camera: Camera, kind: str, changes: dict[str, Any], field: str, code: str
) -> None:
    before = call("GET", kind).json()
    found = errors(call("POST", kind, bodies(camera)[kind] | changes), 400)
    assert (field, code) in {(name.split(".")[0], one) for name, one in found}
    assert call("GET", kind).json() == before
    assert not AuditEvent.objects.exists()


def ring(count: int) -> str:
    """GeoJSON of so many points, as text."""
    points = ",".join(["[0,0]", "[1,0]", "[1,1]"] * (count // 3))
    return f'{{"type": "Polygon", "coordinates": [[{points}]]}}'


@pytest.mark.parametrize(
    ("geometry", "status", "code"),
    [
        ('{"type": "Polygon", "coordinates": [[[0,0],[1,1],[1,0],[0,1],[0,0]]]}', 400, "geometry_crossing"),
        ('{"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,1]]]}', 400, "geometry_open"),
        ('{"type": "Polygon", "coordinates": []}', 400, "geometry_empty"),
        ('{"type": "Polygon", "coordinates": [[[0,0],[2,0],[1,1],[0,0]]]}', 400, "geometry_outside"),
        ('{"type": "Polygon", "coordinates": [[[NaN,0],[1,0],[1,1],[NaN,0]]]}', 400, "parse_error"),
        ('{"type": "Polygon", "coordinates": [[[1e999,0],[1,0],[1,1],[1e999,0]]]}', 400, "geometry_number"),
        (ring(100_000), 400, "geometry_too_many_points"),
        (ring(600_000), 413, "too_large"),
        ('{"type": "Polygon", "coordinates": ' + "[" * 50_000 + "]" * 50_000 + "}", 400, "parse_error"),
        ('"x"', 400, "geometry_type"),
    ],
)
def test_bad_geometry_is_a_clear_error(
    call: Call, camera: Camera, geometry: str, status: int, code: str
) -> None:
    body = f'{{"name": "x", "camera": "{camera.code}", "geometry": {geometry}}}'
    answer = call("POST", "zones", body)
    assert code in {one for _field, one in errors(answer, status)}
    assert len(answer.content) < 2000
    assert not Zone.objects.exists()


def test_errors_are_told_in_the_callers_language(call: Call, camera: Camera) -> None:
    body = bodies(camera)["zones"] | {"geometry": {"type": "Polygon", "coordinates": []}}
    english = call("POST", "zones", body, **{"Accept-Language": "en"}).json()
    french = call("POST", "zones", body, **{"Accept-Language": "fr"}).json()
    assert english["errors"][0]["message"] == "The shape is empty."
    assert french["errors"][0]["message"] == "La forme est vide."


def test_a_zone_stays_with_its_camera_and_its_shape_is_checked_again_on_the_map(
    call: Call, zone: Zone
) -> None:
    Camera.objects.create(name="Igolo", code="igolo")
    path = f"zones/{zone.pk}"
    assert errors(call("PATCH", path, {"camera": "igolo"}, seen="*"), 400) == {("camera", "fixed")}
    same = {"camera": zone.camera.code, "name": "Voie 2"}
    assert call("PATCH", path, same, seen="*").status_code == 200
    outside = {"type": "Polygon", "coordinates": [[[2, 6], [3, 6], [3, 7], [2, 6]]]}
    assert ("geometry", "geometry_outside") in errors(
        call("PATCH", path, {"geometry": outside}, seen="*"), 400
    )
    moved = call("PATCH", path, {"geometry": outside, "space": "map"}, seen="*")
    assert moved.status_code == 200
    back = errors(call("PATCH", path, {"space": "picture"}, seen="*"), 400)
    assert back == {("geometry", "geometry_outside")}


def test_what_others_need_is_not_deleted(call: Call, camera: Camera, zone: Zone) -> None:
    SensorSettings.objects.create(name="s", code="s", camera=camera)
    assert errors(call("DELETE", f"cameras/{camera.pk}", seen="*"), 409) == {("", "in_use")}
    model = call("POST", "models", bodies(camera)["models"]).json()
    assert call("PATCH", f"cameras/{camera.pk}", {"model": model["id"]}, seen="*").status_code == 200
    assert errors(call("DELETE", f"models/{model['id']}", seen="*"), 409) == {("", "in_use")}
    assert Zone.objects.exists()


def test_a_sensor_has_zones_of_its_camera_and_the_prefix_of_its_key(
    call: Call, camera: Camera, zone: Zone, sensor_key: tuple[ApiKey, str]
) -> None:
    other = Camera.objects.create(name="Igolo", code="igolo")
    body = bodies(camera)["sensors"] | {"zones": [zone.pk], "api_key": sensor_key[0].prefix}
    strange = call("POST", "sensors", body | {"camera": other.code})
    assert errors(strange, 400) == {("zones", "strange_zone")}
    made = call("POST", "sensors", body)
    assert made.json()["zones"] == [zone.pk]
    assert made.json()["api_key"] == sensor_key[0].prefix
    assert sensor_key[0].hashed_secret not in made.content.decode()
    path = f"sensors/{made.json()['id']}"
    assert errors(call("PATCH", path, {"camera": "igolo"}, seen="*"), 400) == {("zones", "strange_zone")}
    moved = call("PATCH", path, {"camera": "igolo", "zones": [], "api_key": None}, seen="*")
    assert (moved.json()["zones"], moved.json()["api_key"]) == ([], None)
    assert AuditEvent.objects.latest("pk").details["fields"] == ["api_key", "camera", "zones"]
    assert SensorSettings.objects.get().revision == 2


# --- Lists -------------------------------------------------------------------------------------------------


def names(response: Any) -> list[str]:
    """Names of a list's rows, in its order."""
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["results"]]


@pytest.fixture
def many(camera: Camera) -> None:
    """Cameras, zones, models and sensors to look for."""
    remote = ModelConfig.objects.create(name="GPU", engine="http", parameters={"url": "http://a/"})
    ModelConfig.objects.create(name="Local", engine="native", is_default=True, version="2026.1")
    for number in range(5):
        one = Camera.objects.create(
            name=f"Poste {number}", code=f"poste-{number}",
            location_name="Igolo" if number else "Hillacondji",
            is_enabled=number != 3, camera_type="ptz" if number == 4 else "fixed",
            model=remote if number == 1 else None, status="online" if number == 2 else "offline",
        )  # fmt: skip
        Camera.objects.filter(pk=one.pk).update(created_at=datetime(2026, 1, 5 - number, tzinfo=UTC))
        Zone.objects.create(
            name="Voie", camera=one, geometry=SQUARE, zone_type="parking" if number == 1 else "detection"
        )
        SensorSettings.objects.create(
            name=f"Boîtier {number}", code=f"b{number}", camera=one, is_enabled=number != 2
        )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cameras?search=POSTE", ["Poste 0", "Poste 1", "Poste 2", "Poste 3", "Poste 4"]),
        ("cameras?search=hilla", ["Poste 0"]),
        ("cameras?search=poste-2", ["Poste 2"]),
        ("cameras?search=100%25", []),
        ("cameras?status=online", ["Poste 2"]),
        ("cameras?is_enabled=false", ["Poste 3"]),
        ("cameras?camera_type=ptz&is_enabled=true", ["Poste 4"]),
        ("cameras?search=poste&ordering=-name", ["Poste 4", "Poste 3", "Poste 2", "Poste 1", "Poste 0"]),
        ("cameras?search=poste&ordering=created_at", ["Poste 4", "Poste 3", "Poste 2", "Poste 1", "Poste 0"]),
        ("zones?camera=poste-1", ["Voie"]),
        ("zones?camera=poste-1&zone_type=detection", []),
        ("zones?is_enabled=false", []),
        ("models", ["GPU", "Local"]),
        ("models?engine=http", ["GPU"]),
        ("models?is_default=true", ["Local"]),
        ("models?search=2026", ["Local"]),
        ("sensors?is_enabled=false", ["Boîtier 2"]),
        ("sensors?camera=poste-4", ["Boîtier 4"]),
        ("sensors?search=B3", ["Boîtier 3"]),
    ],
)
def test_lists_are_filtered_searched_and_ordered(
    call: Call, many: None, query: str, found: list[str]
) -> None:
    assert names(call("GET", query)) == found


def test_cameras_of_a_model_are_listed(call: Call, many: None) -> None:
    model = ModelConfig.objects.get(name="GPU")
    assert names(call("GET", f"cameras?model={model.pk}")) == ["Poste 1"]


@pytest.mark.parametrize(
    "query",
    ["status=x", "ordering=rtsp_url", "ordering=settings", "model=x", "is_enabled=perhaps", "search=%00"],
)
def test_a_list_asked_for_wrongly_is_refused(call: Call, query: str) -> None:
    [(field, _code)] = errors(call("GET", f"cameras?{query}"), 400)
    assert field == query.split("=")[0]


@pytest.mark.parametrize("ordering", ["name", "-name", "created_at", "-updated_at"])
def test_pages_join_without_gap_or_repeat_and_never_count(
    call: Call, many: None, ordering: str, django_assert_num_queries: Any
) -> None:
    whole = names(call("GET", f"cameras?ordering={ordering}"))
    page = call("GET", f"cameras?ordering={ordering}&page_size=2")
    assert set(page.json()) == {"next", "previous", "results"}
    joined = names(page)
    while link := page.json()["next"]:
        page = call("GET", link.split(f"{BASE}/")[1])
        joined += names(page)
    assert joined == whole
    assert len(joined) == 6


@pytest.mark.parametrize("cursor", ["cD1ub3Q=", "cD0lMDA=", "nonsense"])
def test_a_made_up_cursor_is_not_found(call: Call, many: None, cursor: str) -> None:
    assert call("GET", f"cameras?ordering=created_at&cursor={cursor}").status_code == 404


@pytest.mark.parametrize(("kind", "most"), [("cameras", 3), ("zones", 3), ("models", 3), ("sensors", 4)])
def test_a_list_costs_the_same_however_long_it_is(
    call: Call, many: None, kind: str, most: int, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(most):
        assert len(names(call("GET", kind))) >= 2


def test_times_and_unknown_numbers(call: Call, camera: Camera) -> None:
    shown = call("GET", f"cameras/{camera.pk}").json()
    assert at(shown["created_at"]).tzinfo
    assert (shown["latitude"], shown["longitude"]) == (6.38, 2.71)
    for number in (0, 10**25):
        assert call("GET", f"cameras/{number}").status_code == 404
        assert call("DELETE", f"cameras/{number}", seen="*").status_code == 404
