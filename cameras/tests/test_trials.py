"""Connecting now: what a worker finds out about a source, and what whoever asked is told of it."""

import json
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.test import Client
from PIL import Image

from accounts.models import AuditEvent, User
from cameras import pictures, trials
from cameras.models import Camera
from cameras.options import SourceOptions
from cameras.sources import Fault, SourceError
from cameras.sources.trial import FirstPicture, first_picture
from cameras.tests.rtsp import AccessUnit, RtspServer, Stream, damaged
from cameras.tests.test_config_console import form_of
from conftest import picture

LogIn = Callable[[User], Client]
QUICK = SourceOptions(connect=2.0, read=2.0)


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[redis.Redis]:
    """The real Redis, without what earlier tests left."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter("anpr:*"):
            client.delete(key)
        yield client


# --- what the worker does ---------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_stream_gives_its_picture_and_what_it_is(units: list[AccessUnit], transport: str) -> None:
    with RtspServer({"live": Stream(units, clock_ahead=40.0)}) as server:
        found = first_picture(server.url(), SourceOptions(transport=transport))
    assert found.image.shape == (180, 320, 3)
    assert found.codec == "h264"
    assert 0 < found.connected < found.seconds < 5
    assert found.ahead is None or 39 < found.ahead < 41


def test_a_file_and_the_newest_photo_of_a_folder(road: Path, tmp_path: Path) -> None:
    found = first_picture(road.as_uri(), QUICK)
    assert (found.image.shape, found.codec, found.fps) == ((180, 320, 3), "h264", 12)
    with pytest.raises(SourceError) as empty:
        first_picture(tmp_path.as_uri(), QUICK)
    assert empty.value.fault is Fault.EMPTY
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "a.jpg").write_bytes(picture(size=(64, 48)))
    assert first_picture(tmp_path.as_uri(), QUICK).image.shape == (48, 64, 3)
    (tmp_path / "b.jpg").write_bytes(picture(size=(80, 48)))
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    assert first_picture(tmp_path.as_uri(), QUICK).image.shape == (48, 80, 3)
    assert (tmp_path / "b.jpg").exists()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"path": "other"}, Fault.NOT_FOUND),
        ({"password": "officer:wrong"}, Fault.PASSWORD),
        ({}, Fault.REFUSED),
    ],
)
def test_what_is_wrong_is_told_apart(units: list[AccessUnit], changes: dict[str, str], fault: Fault) -> None:
    with RtspServer({"live": Stream(units)}, password="officer:hunter2") as server:
        url = server.url().replace("rtsp://", f"rtsp://{changes.get('password', 'officer:hunter2')}@")
        if "path" in changes:
            url = url.replace("live", changes["path"])
        if not changes:
            url = "rtsp://officer:hunter2@127.0.0.1:9/live"
        with pytest.raises(SourceError) as failed:
            first_picture(url, QUICK)
    assert failed.value.fault is fault
    assert "hunter2" not in str(failed.value)


def test_a_source_that_never_gives_a_sound_picture_is_given_up(
    units: list[AccessUnit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cameras.sources.trial.LONGEST", 2.0)
    started = time.monotonic()
    streams = {"damaged": Stream(units, sends=damaged()), "silent": Stream(units, silent=True)}
    with RtspServer(streams) as server:
        for name, fault in (("damaged", Fault.CORRUPT), ("silent", Fault.TIMEOUT)):
            with pytest.raises(SourceError) as failed:
                first_picture(server.url().replace("live", name), QUICK)
            assert failed.value.fault is fault
    assert time.monotonic() - started < 15


# --- asking and being told ----------------------------------------------------------------------------------


def address(camera: Camera, *parts: str) -> str:
    return "/".join([f"/admin/cameras/camera/{camera.pk}/connexion", *parts])


def key_of(store: redis.Redis) -> str:
    """The one trial that was asked for."""
    (key,) = store.scan_iter("anpr:trial:*")
    return str(key.decode().rpartition(":")[2])


@pytest.fixture
def console(admin_user: User, logged_in: LogIn) -> Client:
    """An administrator's browser."""
    return logged_in(admin_user)


@pytest.mark.django_db
def test_the_stored_source_is_tried_and_its_picture_shown(
    console: Client, camera: Camera, road: Path, store: redis.Redis, admin_user: User
) -> None:
    Camera.objects.update(stream_url=road.as_uri())
    waiting = console.post(address(camera, "")).content.decode()
    assert "hx-get" in waiting
    key = key_of(store)
    trials.answer(key)
    page = console.get(address(camera, key, "")).content.decode()
    for words in ("320 × 180", "H.264", "La caméra répond", "12 images par seconde", "tel qu’enregistré"):
        assert words in page, words
    assert "hx-get" not in page
    shown = console.get(address(camera, key, "image"))
    assert "no-store" in shown.headers["Cache-Control"]
    assert Image.open(BytesIO(shown.content)).size == (320, 180)
    assert 55 < store.pttl(f"anpr:trial:{key}") / 1000 <= trials.KEPT_SECONDS
    row = AuditEvent.objects.get()
    assert (row.actor, row.action, row.details) == (admin_user, "camera.connect", {"typed": False})
    newest = console.get(f"/admin/cameras/camera/{camera.pk}/image")
    assert newest.content == shown.content
    store.delete(f"anpr:trial:{key}")
    assert "plus là" in console.get(address(camera, key, "")).content.decode()
    assert console.get(address(camera, key, "image")).status_code == 404
    assert console.get(f"/admin/cameras/camera/{camera.pk}/image").status_code == 404


@pytest.mark.django_db
def test_what_was_typed_is_tried_without_being_saved_and_the_mask_keeps_the_password(
    console: Client, camera: Camera, units: list[AccessUnit], store: redis.Redis
) -> None:
    with RtspServer({"live": Stream(units)}, password="officer:hunter2") as server:
        secret = server.url().replace("rtsp://", "rtsp://officer:hunter2@")
        Camera.objects.update(rtsp_url=secret)
        sent = form_of(console.get(f"/admin/cameras/camera/{camera.pk}/change/"))
        sent["rtsp_url"] = server.url().replace("rtsp://", "rtsp://***@")
        console.post(address(camera, ""), sent)
        key = key_of(store)
        stored = json.dumps([str(value) for value in store.hgetall(f"anpr:trial:{key}").values()])
        assert "hunter2" not in stored
        assert "127.0.0.1" not in stored
        trials.answer(key)
        assert "pas encore enregistré" not in console.get(address(camera, key, "")).content.decode()
        store.delete(f"anpr:trial:{key}")
        console.post(address(camera, ""), sent | {"rtsp_url": server.url().replace("live", "other")})
        trials.answer(key_of(store))
    page = console.get(address(camera, key_of(store), "")).content.decode()
    assert "refuse" in page or "404" in page
    assert "pas encore enregistré" in page
    assert Camera.objects.get().rtsp_url == secret
    assert Camera.objects.get().revision == 1
    assert [row.details["typed"] for row in AuditEvent.objects.order_by("pk")] == [False, True]
    assert trials.newest(camera) is None


@pytest.mark.django_db
def test_a_password_cannot_be_sent_to_another_host_and_nonsense_is_not_tried(
    console: Client, camera: Camera, store: redis.Redis
) -> None:
    Camera.objects.update(rtsp_url="rtsp://officer:hunter2@10.0.0.1/x")
    sent = form_of(console.get(f"/admin/cameras/camera/{camera.pk}/change/"))
    for wrong in ({"rtsp_url": "rtsp://***@evil.example/x"}, {"rtsp_url": "ftp://x/y"}, {"settings": "{"},
                  {"rtsp_url": "", "stream_url": ""}):  # fmt: skip
        page = console.post(address(camera, ""), sent | wrong).content.decode()
        assert "trial--failed" in page, wrong
        assert "hunter2" not in page
    assert list(store.scan_iter("anpr:trial:*")) == []
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_only_who_may_change_cameras_connects_and_sees_what_came(
    camera: Camera,
    road: Path,
    operator: User,
    viewer: User,
    admin_user: User,
    logged_in: LogIn,
    store: redis.Redis,
) -> None:
    Camera.objects.update(stream_url=road.as_uri())
    logged_in(admin_user).post(address(camera, ""))
    key = key_of(store)
    trials.answer(key)
    for user in (operator, viewer):
        client = logged_in(user)
        assert client.post(address(camera, "")).status_code == 403
        for name in ((key, ""), (key, "image")):
            assert client.get(address(camera, *name)).status_code == 403
        assert client.get(f"/admin/cameras/camera/{camera.pk}/image").status_code == 403
        assert client.get(f"/admin/cameras/camera/{camera.pk}/dessin/").status_code == 403
        page = client.get(f"/admin/cameras/camera/{camera.pk}/change/").content.decode()
        assert "connexion/" not in page
        assert "data-live" in page
    other = Camera.objects.create(name="Igolo", code="igolo")
    assert logged_in(admin_user).get(address(other, key, "image")).status_code == 404
    assert Client().get(address(camera, key, "image")).status_code == 302


@pytest.mark.django_db
def test_no_worker_no_redis_and_what_nobody_foresaw_are_told(
    console: Client,
    camera: Camera,
    road: Path,
    store: redis.Redis,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Camera.objects.update(stream_url=road.as_uri())
    console.post(address(camera, ""))
    key = key_of(store)
    store.pexpire(f"anpr:trial:{key}", int((trials.KEPT_SECONDS - trials.NOBODY_SECONDS - 0.1) * 1000))
    page = console.get(address(camera, key, "")).content.decode()
    assert "Aucun processus de lecture" in page
    assert "hx-get" not in page

    def broken(_source: str, _options: SourceOptions) -> FirstPicture:
        raise LookupError("rtsp://officer:hunter2@10.0.0.1/")

    monkeypatch.setattr("cameras.sources.trial.first_picture", broken)
    with pytest.raises(LookupError):
        trials.answer(key)
    page = console.get(address(camera, key, "")).content.decode()
    assert "trial--failed" in page
    assert "hunter2" not in page
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for response in (console.post(address(camera, "")), console.get(address(camera, key, ""))):
        assert "Redis" in response.content.decode()
    assert console.get(address(camera, key, "image")).status_code == 404
    with pytest.raises(pictures.PicturesAwayError):
        trials.answer(key)
