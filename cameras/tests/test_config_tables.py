"""Cameras, zones, models and sensors: invariants from both sides, services, and what workers make of them."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from accounts.models import ApiKey, AuditEvent, User
from cameras import services, workers
from cameras.models import Camera, ModelConfig, SensorSettings, Zone
from cameras.options import CameraSettingsError
from cameras.plans import is_current, plan_of
from cameras.zones import zones_of
from recognition.engines import EngineError
from recognition.expecting import ExpectingEngine
from recognition.zones import ZonedEngine

pytestmark = pytest.mark.django_db

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5], [0, 0]]]}
DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def zone(camera: Camera) -> Zone:
    """A detection zone in the upper left quarter."""
    return Zone.objects.create(name="Voie 1", camera=camera, geometry=SQUARE)


@pytest.fixture
def remote(db: None) -> ModelConfig:
    """A model on another machine, which needs nothing here."""
    return ModelConfig.objects.create(
        name="GPU", engine="http", parameters={"url": "http://gpu.example/read"}
    )


def update(row: Model, **changes: Any) -> None:
    """Write past all checks of Python."""
    with transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(**changes)


GOOD_CAMERA: list[dict[str, Any]] = [
    {"width": 1920, "height": 1080},
    {"lanes": 1},
    {"lanes": 16},
    {"heading": 0},
    {"heading": 359},
    {"direction": "both"},
    {"direction": ""},
    {"plate_formats": ["BJ", "TG"]},
    {"time_zone": "Africa/Lagos"},
]
BAD_CAMERA: list[dict[str, Any]] = [
    {"width": 1920},
    {"width": 1920, "height": 0},
    {"width": 1920, "height": 20000},
    {"lanes": 0},
    {"lanes": 17},
    {"heading": 360},
    {"direction": "sideways"},
    {"time_zone": ""},
]


@pytest.mark.parametrize("changes", GOOD_CAMERA)
def test_sound_columns_of_a_camera_are_taken(camera: Camera, changes: dict[str, Any]) -> None:
    update(camera, **changes)
    Camera.objects.get().full_clean()


@pytest.mark.parametrize("changes", BAD_CAMERA)
def test_the_database_refuses_impossible_cameras(camera: Camera, changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        update(camera, **changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *((changes, "") for changes in BAD_CAMERA if changes != {"time_zone": ""}),
        ({"time_zone": "Africa/Atlantis"}, "time_zone"),
        ({"plate_formats": ["BJ", "XX"]}, "plate_formats"),
        ({"fps": float("nan")}, ""),
    ],
)
def test_services_refuse_impossible_cameras_with_reasons(
    camera: Camera, admin_user: User, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        services.change_config(camera, changes=changes, by=admin_user)
    assert not field or list(refused.value.message_dict) == [field]
    assert not AuditEvent.objects.exists()
    assert Camera.objects.get().revision == 1


def test_an_emptied_time_zone_is_the_usual_one_and_countries_count_once(
    camera: Camera, admin_user: User
) -> None:
    changes = {"time_zone": "", "plate_formats": ["BJ", "TG", "BJ"]}
    services.change_config(camera, changes=changes, by=admin_user)
    camera.refresh_from_db()
    assert (camera.time_zone, camera.plate_formats) == ("Africa/Porto-Novo", ["BJ", "TG"])


@pytest.mark.parametrize(
    "changes",
    [
        {"zone_type": "playground"},
        {"space": "moon"},
        {"geometry": {"type": "Point", "coordinates": [0, 0]}},
        {"geometry": {"type": "Polygon"}},
        {"geometry": []},
    ],
)
def test_the_database_refuses_impossible_zones(zone: Zone, changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        update(zone, **changes)
    with pytest.raises(ValidationError):
        services.change_config(zone, changes=changes, by=None)


def test_a_zone_has_its_name_once_a_camera(zone: Zone) -> None:
    other = Camera.objects.create(name="Igolo", code="igolo")
    services.create_config(Zone(name=zone.name, camera=other, geometry=SQUARE), by=None)
    with pytest.raises(ValidationError, match="zone de ce nom"):
        services.create_config(Zone(name=zone.name, camera=zone.camera, geometry=SQUARE), by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Zone.objects.create(name=zone.name, camera=zone.camera, geometry=SQUARE)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": ""},
        {"weights_digest": DIGEST},
        {"weights_path": "a", "weights_digest": "abc"},
        {"weights_path": "a", "weights_digest": DIGEST.upper()},
    ],
)
def test_the_database_refuses_impossible_models(remote: ModelConfig, changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        update(remote, **changes)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"engine": "nope"}, "engine"),
        ({"engine": "native", "parameters": {"url": "http://a/"}}, "parameters"),
        ({"engine": "native", "parameters": [1]}, "parameters"),
        ({"engine": "native", "parameters": {"threads": "two"}}, "parameters"),
        ({"engine": "native", "parameters": {"threads": True}}, "parameters"),
        ({"engine": "native", "parameters": {"min_confidence": 2}}, "parameters"),
        ({"engine": "native", "parameters": {"weights": "../x"}}, "parameters"),
        ({"engine": "http", "parameters": {}}, "parameters"),
        ({"engine": "http", "parameters": {"url": "ftp://a/"}}, "parameters"),
        ({"engine": "http", "parameters": {"url": "http://officer:hunter2@a/"}}, "parameters"),
        ({"engine": "easyocr", "weights_path": "mine"}, "weights_path"),
        ({"engine": "native", "weights_path": "../mine"}, "weights_path"),
        ({"engine": "native", "weights_path": "/mine"}, "weights_path"),
        ({"engine": "native", "weights_path": "a/./b"}, "weights_path"),
    ],
)
def test_models_are_checked_against_what_their_engine_takes(fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        services.create_config(ModelConfig(name="x", **fields), by=None)
    assert list(refused.value.message_dict) == [wrong]
    assert "hunter2" not in str(refused.value)


def test_the_usual_model_is_one_and_a_new_one_takes_its_place(remote: ModelConfig, admin_user: User) -> None:
    services.change_config(remote, changes={"is_default": True}, by=admin_user)
    new = ModelConfig(name="new", engine="native", is_default=True)
    services.create_config(new, by=admin_user)
    remote.refresh_from_db()
    assert (remote.is_default, remote.revision) == (False, 3)
    assert ModelConfig.objects.get(is_default=True) == new
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["model.change", "model.change", "model.create"]
    with pytest.raises(IntegrityError):
        update(remote, is_default=True)


def test_a_sensor_has_zones_of_its_own_camera_and_a_key_of_its_own(
    zone: Zone, sensor_key: tuple[ApiKey, str], admin_user: User
) -> None:
    other = Camera.objects.create(name="Igolo", code="igolo")
    sensor = SensorSettings(name="Boîtier 1", code="boitier-1", camera=other, api_key=sensor_key[0])
    with pytest.raises(ValidationError, match="Voie 1"):
        services.create_config(sensor, zones=[zone], by=admin_user)
    sensor.camera = zone.camera
    services.create_config(sensor, zones=[zone], by=admin_user)
    assert list(sensor.zones.all()) == [zone]
    with pytest.raises(ValidationError, match="Voie 1"):
        services.change_config(sensor, changes={"camera": other}, by=admin_user)
    second = SensorSettings(name="2", code="s2", camera=other, api_key=sensor_key[0])
    with pytest.raises(ValidationError):
        services.create_config(second, by=admin_user)
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()
    with pytest.raises(IntegrityError):
        update(sensor, code="")


@pytest.mark.parametrize("moved", ["link", "sensor", "zone"])
def test_the_database_refuses_zones_of_another_camera(zone: Zone, moved: str) -> None:
    other = Camera.objects.create(name="Igolo", code="igolo")
    sensor = SensorSettings.objects.create(name="s", code="s", camera=zone.camera)
    sensor.zones.add(zone)
    connection.check_constraints()
    if moved == "link":
        sensor.zones.add(Zone.objects.create(name="x", camera=other, geometry=SQUARE))
    else:
        update(sensor if moved == "sensor" else zone, camera=other)
    with pytest.raises(IntegrityError, match="own camera"), transaction.atomic():
        connection.check_constraints()
    Zone.objects.all().delete()  # else the end of the test would check once more


def test_each_write_is_audited_by_the_names_of_fields_and_raises_the_revision(
    camera: Camera, admin_user: User
) -> None:
    changes = {"rtsp_url": "rtsp://officer:hunter2@10.0.0.1/", "name": "Igolo", "fps": 6.0}
    services.change_config(camera, changes=changes, by=admin_user, revision=1)
    row = AuditEvent.objects.get()
    assert (row.action, row.actor) == ("camera.change", admin_user)
    assert row.details == {"name": "Igolo", "fields": ["name", "rtsp_url"]}
    assert Camera.objects.get().revision == 2
    services.change_config(camera, changes=changes, by=admin_user)
    assert Camera.objects.get().revision == 2, "nothing changed"
    with pytest.raises(services.StaleError):
        services.change_config(camera, changes={"name": "x"}, by=admin_user, revision=1)
    with pytest.raises(services.StaleError):
        services.delete_config(camera, by=admin_user, revision=1)
    assert AuditEvent.objects.count() == 1


def test_what_others_need_stays_and_a_camera_takes_its_zones_along(
    zone: Zone, remote: ModelConfig, admin_user: User
) -> None:
    camera = zone.camera
    services.change_config(camera, changes={"model": remote}, by=admin_user)
    with pytest.raises(services.InUseError):
        services.delete_config(remote, by=admin_user)
    sensor = services.create_config(
        SensorSettings(name="s", code="s", camera=camera), zones=[zone], by=admin_user
    )
    with pytest.raises(services.InUseError):
        services.delete_config(camera, by=admin_user)
    assert not AuditEvent.objects.filter(action__endswith=".delete").exists(), "refused, so not told"
    services.delete_config(zone, by=admin_user)
    sensor.refresh_from_db()
    assert sensor.revision == 2, "its zones are others now"
    services.delete_config(sensor, by=admin_user)
    services.delete_config(camera, by=admin_user)
    assert not Camera.objects.exists()
    actions = AuditEvent.objects.filter(action__endswith=".delete").order_by("pk")
    assert [row.action for row in actions] == ["zone.delete", "sensor.delete", "camera.delete"]


# --- What workers make of it -------------------------------------------------------------------------------


def version(camera: Camera) -> str:
    """Which engine reads the camera."""
    return workers.engine_of(Camera.objects.get(pk=camera.pk)).version


def test_a_cameras_own_model_comes_first_then_its_settings_then_the_usual_model(
    camera: Camera, remote: ModelConfig, settings: Any
) -> None:
    settings.RECOGNITION_ENGINE = "http"
    settings.RECOGNITION_ENGINE_PARAMETERS = {"url": "http://environment.example/read"}
    assert version(camera) == "remote engine at environment.example"
    usual = ModelConfig(
        name="usual", engine="http", parameters={"url": "http://usual.example/"}, is_default=True
    )
    services.create_config(usual, by=None)
    assert version(camera) == "remote engine at usual.example"
    own = {"engine": "http", "engine_parameters": {"url": "http://own.example/read"}}
    services.change_config(camera, changes={"settings": own}, by=None)
    assert version(camera) == "remote engine at own.example"
    with pytest.raises(ValidationError, match="engine"):
        services.change_config(camera, changes={"model": remote}, by=None)
    services.change_config(camera, changes={"model": remote, "settings": {}}, by=None)
    assert version(camera) == "remote engine at gpu.example"


def test_networks_other_than_the_digest_says_are_not_loaded(
    camera: Camera, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANPR_WEIGHTS_DIR", str(tmp_path))
    model = ModelConfig(name="x", engine="native", weights_path="v2", weights_digest=DIGEST)
    services.create_config(model, by=None)
    services.change_config(camera, changes={"model": model}, by=None)
    with pytest.raises(EngineError, match="no network"):
        version(camera)
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "reader.onnx").write_bytes(b"another")
    with pytest.raises(EngineError, match=f"expected {DIGEST}"):
        version(camera)


def test_enabled_zones_in_the_picture_decide_what_the_engine_gives(zone: Zone, remote: ModelConfig) -> None:
    camera = zone.camera
    services.change_config(camera, changes={"model": remote}, by=None)
    engine = workers.engine_of(camera)
    assert isinstance(engine, ZonedEngine)
    zones = zones_of(camera)
    assert zones.count((0.2, 0.2))
    assert not zones.count((0.7, 0.7))
    on_map = {"type": "Polygon", "coordinates": [[[2.7, 6.3], [2.8, 6.3], [2.8, 6.4], [2.7, 6.3]]]}
    services.create_config(
        Zone(name="plan", camera=camera, space="map", zone_type="exclusion", geometry=on_map), by=None
    )
    assert zones_of(camera) == zones
    services.change_config(zone, changes={"is_enabled": False}, by=None)
    assert not zones_of(camera)
    camera.refresh_from_db()
    assert not isinstance(workers.engine_of(camera), ZonedEngine)


def test_countries_to_expect_are_told_to_the_engine(camera: Camera, remote: ModelConfig) -> None:
    services.change_config(camera, changes={"model": remote, "plate_formats": ["TG"]}, by=None)
    camera.refresh_from_db()
    assert isinstance(workers.engine_of(camera), ExpectingEngine)
    services.change_config(camera, changes={"plate_formats": []}, by=None)
    camera.refresh_from_db()
    assert not isinstance(workers.engine_of(camera), ExpectingEngine)


def test_a_zone_that_slipped_in_stops_the_camera_instead_of_counting_everything(zone: Zone) -> None:
    update(zone, geometry={"type": "Polygon", "coordinates": "x"})
    with pytest.raises(CameraSettingsError, match="zone"):
        workers.engine_of(zone.camera)


def test_a_change_of_zone_or_model_restarts_the_worker(zone: Zone, remote: ModelConfig) -> None:
    camera = zone.camera

    def restarted(row: Any, **changes: Any) -> bool:
        now = Camera.objects.get(pk=camera.pk)
        plan = plan_of(now)
        assert is_current(now, plan)
        services.change_config(row, changes=changes, by=None)
        return not is_current(now, plan)

    assert restarted(zone, zone_type="exclusion")
    assert restarted(remote, is_default=True)
    assert restarted(remote, version="2")
    assert restarted(camera, rtsp_url="rtsp://a/")
    assert restarted(camera, plate_formats=["TG"])
    assert not restarted(camera, address="Cotonou")
    assert restarted(zone, is_enabled=False)
    assert not restarted(zone, name="elsewhere")
