"""Addresses of streams: masked where they are shown, encrypted where they are kept."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import User
from cameras import services
from cameras.addresses import masked, unmasked, validate_source
from cameras.models import Camera
from cameras.options import CameraSettingsError
from cameras.sealed import PREFIX, seal, unseal

SECRET = "rtsp://officer:hunter2@10.0.0.1:554/Streaming/Channels/101"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", ""),
        ("rtsp://10.0.0.1/Streaming/Channels/101", "rtsp://10.0.0.1/Streaming/Channels/101"),
        (SECRET, "rtsp://***@10.0.0.1:554/Streaming/Channels/101"),
        ("rtsp://hunter2@10.0.0.1/", "rtsp://***@10.0.0.1/"),
        ("rtsp://officer:hun@ter2@10.0.0.1/", "rtsp://***@10.0.0.1/"),
        ("http://cam/video?token=hunter2&channel=1", "http://cam/video?***"),
        ("http://cam/video#hunter2", "http://cam/video#***"),
        ("rtsp://cam/user=admin_password=hunter2_channel=1.sdp", "rtsp://cam/***"),
        ("rtsp://cam/user%3Dadmin_hunter2", "rtsp://cam/***"),
        ("rtsp://cam/" + "hunter2" * 8, "rtsp://cam/***"),
        ("rtsp://officer:hunter2/more@10.0.0.1/x", "***"),
        ("rtsp://officer:12/hunter2@10.0.0.1/x", "rtsp://***/***/x"),
        ("rtsp://[hunter2/x", "***"),
        ("file:///srv/clips/road.mp4", "file:///srv/clips/road.mp4"),
    ],
)
def test_only_scheme_host_and_plain_path_are_shown(address: str, shown: str) -> None:
    assert masked(address) == shown
    assert "hunter2" not in masked(address)


def test_the_mask_sent_back_keeps_the_address_and_no_other_mask_does() -> None:
    assert unmasked(masked(SECRET), SECRET) == SECRET
    assert unmasked("rtsp://new/", SECRET) == "rtsp://new/"
    assert unmasked("", SECRET) == ""
    for sent in ("rtsp://***@evil.example/Streaming/Channels/101", "***"):
        with pytest.raises(ValidationError, match=r"\*\*\*"):
            unmasked(sent, SECRET)
    with pytest.raises(ValidationError):
        unmasked("rtsp://***@10.0.0.1/", "")


@pytest.mark.parametrize(
    "value", ["rtsp://[::1", "rtsp://host:port/", "ftp://x/", "host", "rtsp:///x", "file://x"]
)
def test_what_is_no_address_is_refused_without_being_repeated(value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_source(value)
    assert value not in str(refused.value)


def test_where_the_product_keeps_its_pictures_is_no_source(tmp_path: Path, settings: Any) -> None:
    media = Path(settings.MEDIA_ROOT)
    (media / "frames").mkdir()
    (tmp_path / "way in").symlink_to(media / "frames", target_is_directory=True)
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "media").symlink_to(media, target_is_directory=True)
    for place in (
        "media",
        "media/frames/2026/a.jpg",
        "way in",
        "x/../media",
        "/",
        str(media),
        str(media.parent),
    ):
        address = (tmp_path / place).as_uri() if place != "x/../media" else f"{tmp_path.as_uri()}/{place}"
        with pytest.raises(ValidationError, match="MEDIA_ROOT") as refused:
            validate_source(address)
        assert str(media.parent) not in str(refused.value)
    for place in ("photos", "media-of-others", "."):
        validate_source((tmp_path / place).as_uri())
    with pytest.raises(ValidationError, match="absolu"):
        validate_source("file:///srv/photos%00")


def stored() -> tuple[str, str]:
    """What lies in the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT stream_url, rtsp_url FROM cameras_camera")
        found: tuple[str, str] = cursor.fetchone()
        return found


@pytest.mark.django_db
def test_addresses_are_plain_in_python_and_encrypted_in_the_table(camera: Camera) -> None:
    camera.rtsp_url = SECRET
    camera.save()
    assert stored()[0] == ""
    assert stored()[1].startswith(PREFIX)
    assert "hunter2" not in stored()[1]
    assert Camera.objects.get().rtsp_url == SECRET
    Camera.objects.update(rtsp_url=SECRET + "2")
    assert stored()[1].startswith(PREFIX)
    assert Camera.objects.get().source == SECRET + "2"


@pytest.mark.django_db
def test_encrypted_text_is_asked_only_whether_it_is_empty(camera: Camera) -> None:
    Camera.objects.update(rtsp_url=SECRET)
    assert Camera.objects.exclude(rtsp_url="").count() == 1
    assert Camera.objects.to_read().count() == 1
    with pytest.raises(FieldError):
        Camera.objects.filter(rtsp_url=SECRET).exists()


@pytest.mark.django_db
def test_addresses_stored_before_are_read_and_then_encrypted(camera: Camera) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cameras_camera SET rtsp_url = %s", [SECRET])
    assert Camera.objects.get().rtsp_url == SECRET
    assert services.reseal_cameras() == 1
    assert stored()[1].startswith(PREFIX)


@pytest.mark.django_db
def test_the_migration_encrypts_and_can_be_undone(camera: Camera) -> None:
    migration = import_module("cameras.migrations.0004_seal_addresses")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cameras_camera SET rtsp_url = %s", [SECRET])
    with connection.schema_editor() as editor:
        migration.seal_all(apps, editor)
        assert stored()[1].startswith(PREFIX)
        assert Camera.objects.get().rtsp_url == SECRET
        migration.unseal_all(apps, editor)
        assert stored() == ("", SECRET)


@pytest.mark.django_db
def test_keys_are_changed_without_losing_an_address(camera: Camera, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ["old" * 20]
    Camera.objects.update(rtsp_url=SECRET)
    before = stored()
    settings.ENCRYPTION_KEYS = ["new" * 20, "old" * 20]
    call_command("reseal")
    assert stored() != before
    settings.ENCRYPTION_KEYS = ["new" * 20]
    assert Camera.objects.get().rtsp_url == SECRET


@pytest.mark.django_db
def test_what_no_key_opens_is_told_and_survives_a_save(
    camera: Camera, settings: Any, admin_user: User
) -> None:
    Camera.objects.update(rtsp_url=SECRET)
    keys, before = settings.ENCRYPTION_KEYS, stored()
    settings.ENCRYPTION_KEYS = ["another" * 9]
    lost = Camera.objects.get()
    assert lost.rtsp_url == ""
    with pytest.raises(CameraSettingsError, match="ENCRYPTION_KEYS"):
        lost.source  # noqa: B018
    lost.name = "renamed"
    lost.save()
    services.change_config(lost, changes={"name": "again"}, by=admin_user)
    services.reseal_cameras()
    assert stored() == before
    settings.ENCRYPTION_KEYS = keys
    assert Camera.objects.get().rtsp_url == SECRET
    settings.ENCRYPTION_KEYS = ["another" * 9]
    services.change_config(lost, changes={"rtsp_url": ""}, by=admin_user)
    assert stored() == ("", ""), "whoever empties it means it"


@pytest.mark.django_db
def test_a_dump_holds_no_secret_and_can_be_loaded(camera: Camera) -> None:
    Camera.objects.update(rtsp_url=SECRET)
    dump = serializers.serialize("json", Camera.objects.all())
    assert "hunter2" not in dump
    Camera.objects.all().delete()
    for row in serializers.deserialize("json", dump):
        row.save()
    assert Camera.objects.get().rtsp_url == SECRET
    assert stored()[1].startswith(PREFIX)


def test_the_same_text_is_encrypted_otherwise_each_time() -> None:
    assert seal(SECRET) != seal(SECRET)
    assert unseal(seal(SECRET)) == unseal(seal(SECRET)) == SECRET
    assert seal("") == ""


@pytest.mark.django_db
def test_the_console_shows_no_secret_and_keeps_it(
    admin_user: User, camera: Camera, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    Camera.objects.update(rtsp_url=SECRET)
    client.force_login(admin_user)
    address = f"/admin/cameras/camera/{camera.pk}/change/"
    page = client.get(address)
    assert "hunter2" not in page.content.decode()
    assert masked(SECRET) in page.content.decode()
    assert "hunter2" not in client.get("/admin/cameras/camera/").content.decode()
    form = {
        "name": "Igolo", "code": camera.code, "camera_type": "fixed", "fps": "6", "stream_url": "",
        "rtsp_url": masked(SECRET), "settings": "{}", "seen_revision": "1",
    }  # fmt: skip
    assert client.post(address, form).status_code == 302
    assert Camera.objects.get().rtsp_url == SECRET
    assert Camera.objects.get().name == "Igolo"
    moved = form | {"rtsp_url": "rtsp://***@evil.example/", "seen_revision": "2"}
    answer = client.post(address, moved)
    assert answer.context["adminform"].form.errors["rtsp_url"]
    typed = form | {"rtsp_url": SECRET.replace("hunter2", "hunter2new"), "seen_revision": "2"}
    assert client.post(address, typed).status_code == 302
    assert "hunter2new" in Camera.objects.get().rtsp_url
    assert "hunter2" not in client.get(f"/admin/cameras/camera/{camera.pk}/history/").content.decode()
    assert "hunter2" not in caplog.text
