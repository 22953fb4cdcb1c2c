"""/api/v1/events: what is taken, what is refused, and in which form."""

import errno
import io
import struct
import uuid
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.test.client import encode_multipart
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Scope, User
from accounts.services import create_api_key
from cameras.models import Camera
from conftest import picture
from detections.models import Detection, Submission
from detections.passages import NewPassage
from detections.services import record, storing
from detections.tests.test_record import files

pytestmark = pytest.mark.django_db

INGEST = "/api/v1/events/ingest"
Send = Callable[..., Any]


@pytest.fixture
def send(client: Client, sensor_key: tuple[ApiKey, str], camera: Camera) -> Send:
    """Send an event as the sensor does: JSON, or a form when a file is in it."""

    def _send(**fields: Any) -> Any:
        body = {"camera": camera.code, "detected_at": timezone.now().isoformat()} | fields
        headers = {"X-API-Key": sensor_key[1]}
        if any(isinstance(value, SimpleUploadedFile) for value in body.values()):
            return client.post(INGEST, body, headers=headers)
        return client.post(INGEST, body, content_type="application/json", headers=headers)

    return _send


def photo(data: bytes | None = None, name: str = "passage.jpg") -> SimpleUploadedFile:
    """An uploaded file."""
    return SimpleUploadedFile(name, picture() if data is None else data, "image/jpeg")


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9999))
        + chunk(b"IEND", b"")
    )


def assert_error(response: Any, status: int, field: str = "", code: str = "") -> None:
    """The one error format, and nothing stored."""
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == {"detail", "timestamp", "errors"}
    assert body["detail"]
    if code:
        assert (field, code) in {(row["field"], row["code"]) for row in body["errors"]}
    assert not Detection.objects.exists()
    assert not Submission.objects.exists()
    assert files() == []


def test_a_reading_in_json_is_stored(send: Send) -> None:
    response = send(plate_number="bb 6232 rb", confidence=0.97, layout="one_line")
    assert response.status_code == 201
    stored = Detection.objects.get(pk=response.json()["id"])
    assert (stored.plate_number, stored.confidence, stored.source) == ("BB6232RB", 0.97, "api")


def test_a_reading_with_pictures_is_stored_with_them(send: Send) -> None:
    response = send(
        plate_number="BB6232RB",
        frame=photo(),
        crop=photo(picture((120, 30))),
        bounding_box="[200, 200, 320, 230]",
    )
    assert response.status_code == 201, response.content
    stored = Detection.objects.get()
    assert stored.bounding_box == [200, 200, 320, 230]
    assert default_storage.exists(stored.image_path)
    assert stored.image_data


def test_a_repeat_answers_200_and_changes_nothing(send: Send) -> None:
    event = str(uuid.uuid4())
    first, second = (
        send(plate_number="BB6232RB", event_id=event),
        send(plate_number="BB6232RB", event_id=event),
    )
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {"event_id": event, "status": "duplicate", "id": first.json()["id"]}


def test_a_photo_without_reading_is_kept_and_answered_with_a_status_link(
    send: Send, client: Client, sensor_key: tuple[ApiKey, str]
) -> None:
    event = str(uuid.uuid4())
    response = send(frame=photo(), event_id=event)
    assert response.status_code == 202
    submission = Submission.objects.get()
    assert default_storage.exists(submission.image_path)
    link = response.json()["status_url"]
    assert response.headers["Location"] == link
    answer = client.get(link, headers={"X-API-Key": sensor_key[1]})
    assert answer.json()["status"] == "waiting"
    assert send(frame=photo(), event_id=event).json()["status_url"] == link
    assert Submission.objects.count() == 1


def test_what_the_sender_knows_of_the_vehicle_is_kept_with_its_photo(send: Send) -> None:
    known = {"direction": "north", "lane": "2", "tpms": '[{"id": 1}]', "vehicle_brand": "Toyota"}
    assert send(frame=photo(), **known).status_code == 202
    assert Submission.objects.get().extra == known | {"tpms": [{"id": 1}]}


def test_an_operator_follows_the_photos_that_he_and_sensors_sent(
    client: Client, operator: User, camera: Camera, send: Send
) -> None:
    of_sensor = send(frame=photo()).json()["status_url"]
    client.force_login(operator)
    own = client.post(INGEST, {"camera": camera.code, "frame": photo()})
    assert own.status_code == 202
    for link in (own.json()["status_url"], of_sensor):
        answer = client.get(link)
        assert (answer.status_code, answer.json()["status"]) == (200, "waiting")


def test_another_sensor_does_not_see_the_photo(send: Send, client: Client) -> None:
    link = send(frame=photo()).json()["status_url"]
    _key, token = create_api_key(name="other", scopes=[Scope.EVENTS_WRITE], by=None)
    assert client.get(link, headers={"X-API-Key": token}).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "field", "code"),
    [
        ({}, 400, "plate_number", "required"),
        ({"plate_number": "🚗🚗"}, 400, "plate_number", "required"),
        ({"plate_number": "A" * 40}, 400, "plate_number", "too_long"),
        ({"plate_number": "BB6232RB", "camera": "nowhere"}, 400, "camera", "unknown"),
        ({"plate_number": "BB6232RB", "camera": "9" * 30}, 400, "camera", "unknown"),
        ({"plate_number": "BB6232RB", "confidence": 1.2}, 400, "confidence", "max_value"),
        ({"plate_number": "BB6232RB", "detected_at": "yesterday"}, 400, "detected_at", "invalid"),
        (
            {"plate_number": "BB6232RB", "detected_at": "2090-01-01T00:00:00Z"},
            400,
            "detected_at",
            "in_the_future",
        ),
        ({"plate_number": "BB6232RB", "detected_at": "1970-01-01T00:00:00Z"}, 400, "detected_at", "too_old"),
        ({"plate_number": "BB6232RB", "event_id": "7"}, 400, "event_id", "invalid"),
        ({"plate_number": "BB6232RB", "layout": "\ud800"}, 400, "layout", "invalid_choice"),
        ({"plate_number": "BB6232RB", "bounding_box": [1, 2]}, 400, "bounding_box", "invalid_box"),
        ({"plate_number": "BB6232RB", "metadata": "[1]"}, 400, "metadata", "invalid"),
        ({"plate_number": "BB6232RB", "metadata": {"a": "nul \0"}}, 400, "metadata", "invalid"),
        ({"plate_number": "BB6232RB", "metadata": {"a": "\ud800"}}, 400, "metadata", "invalid"),
        ({"plate_number": "BB6232RB", "metadata": {"a": "x" * 20_000}}, 400, "metadata", "too_large"),
        ({"frame": photo(), "plate_number": "AB12", "tpms": "[NaN]"}, 400, "tpms", "invalid"),
        (
            {"plate_number": "BB6232RB", "vehicle_color": "a\0b"},
            400,
            "vehicle_color",
            "null_characters_not_allowed",
        ),
        ({"plate_number": "BB6232RB", "camera": "a\0b"}, 400, "camera", "unknown"),
        ({"plate_number": "BB6232RB", "camera": {"a": 1}}, 400, "camera", "unknown"),
        ({"plate_number": "BB6232RB", "camera": "a\ud800"}, 400, "camera", "unknown"),
        ({"plate_number": "BB6232RB", "camera": True}, 400, "camera", "unknown"),
        ({"frame": photo(), "plate_number": "AB12", "tpms": "[" * 40 + "]" * 40}, 400, "tpms", "invalid"),
        ({"frame": photo(), "crop": photo()}, 400, "crop", "needs_reading"),
        ({"plate_number": "BB6232RB", "detected_at": "0001-01-01T00:00:00+14:00"}, 400, "detected_at", ""),
        ({"frame": photo(b"")}, 400, "frame", "empty"),
        ({"frame": photo(b"A text file, whatever its name says.")}, 400, "frame", "not_an_image"),
        ({"frame": photo(picture()[:-900])}, 400, "frame", "truncated"),
        ({"frame": photo(bomb(10_000, 6_000), "bomb.png")}, 400, "frame", "too_many_pixels"),
        ({"plate_number": "BB6232RB", "frame": photo(bomb(60_000, 60_000))}, 400, "frame", "too_many_pixels"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(
    send: Send, fields: dict[str, Any], status: int, field: str, code: str
) -> None:
    for value in fields.values():
        if isinstance(value, SimpleUploadedFile):
            value.seek(0)
    assert_error(send(**fields), status, field, code)


def test_nan_is_refused(client: Client, sensor_key: tuple[ApiKey, str], camera: Camera) -> None:
    response = client.post(
        INGEST,
        f'{{"camera": "{camera.code}", "plate_number": "BB6232RB", "confidence": NaN}}',
        content_type="application/json",
        headers={"X-API-Key": sensor_key[1]},
    )
    assert_error(response, 400)


def test_broken_json_and_broken_forms_are_refused(client: Client, sensor_key: tuple[ApiKey, str]) -> None:
    headers = {"X-API-Key": sensor_key[1]}
    assert_error(client.post(INGEST, "{", content_type="application/json", headers=headers), 400)
    form = b'--X\r\nContent-Disposition: form-data; name="frame"; filename="a.jpg"\r\n\r\ncut'
    assert_error(
        client.post(INGEST, form, content_type="multipart/form-data; boundary=X", headers=headers), 400
    )
    assert_error(client.post(INGEST, b"x", content_type="text/plain", headers=headers), 415)


@pytest.mark.parametrize("who", ["sensor", "operator"])
def test_a_form_that_breaks_off_stores_nothing(
    client: Client, sensor_key: tuple[ApiKey, str], operator: User, camera: Camera, who: str
) -> None:
    """Wherever: half a plate is no plate, and without its event a second try would be stored beside it."""
    event = uuid.uuid4()
    fields: dict[str, Any] = {"camera": camera.code, "plate_number": "BB6232RB", "crop": photo()}
    whole = encode_multipart("X", fields | {"event_id": event})
    headers = {"X-API-Key": sensor_key[1]} if who == "sensor" else {}
    if who == "operator":
        client.force_login(operator)

    def post(body: bytes) -> Any:
        return client.post(INGEST, body, content_type="multipart/form-data; boundary=X", headers=headers)

    ends = [whole.index(part) + 4 for part in (b"BB6232RB", b"image/jpeg", b"event_id")]
    for end in [*ends, *range(len(whole) - 60, len(whole) - 2, 3)]:
        assert_error(post(whole[:end]), 400)
    assert not Detection.objects.exists()
    assert post(whole).json()["event_id"] == str(event)


@pytest.mark.parametrize("levels", [40, 450, 900, 50_000])
def test_json_nested_too_deep_is_refused(
    client: Client, sensor_key: tuple[ApiKey, str], camera: Camera, levels: int
) -> None:
    deep = "[" * levels + "]" * levels
    for name in ("metadata", "camera", "event_id", "unknown"):
        response = client.post(
            INGEST,
            f'{{"plate_number": "BB6232RB", "{name}": {deep}}}',
            content_type="application/json",
            headers={"X-API-Key": sensor_key[1]},
        )
        assert_error(response, 400, "", "parse_error")


def test_a_camera_is_known_by_its_code_before_its_number(send: Send, camera: Camera) -> None:
    other = Camera.objects.create(name="Numbered", code=str(camera.pk))
    assert send(plate_number="BB6232RB", camera=str(camera.pk)).status_code == 201
    assert Detection.objects.get().camera == other
    assert send(plate_number="BB6232RB", camera=other.pk).status_code == 201
    assert Detection.objects.filter(camera=other).count() == 2


def test_a_code_is_never_cut_to_fit_a_camera(send: Send) -> None:
    Camera.objects.create(name="Long", code="a" * 40)
    assert_error(send(plate_number="BB6232RB", camera="a" * 41), 400, "camera", "unknown")


def test_limits_of_a_request_are_told_as_json(send: Send, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5000
    assert_error(send(plate_number="BB6232RB", metadata={"a": "x" * 6000}), 413, "", "too_large")
    assert_error(send(frame=photo(), direction="x" * 6000), 413, "", "too_large")
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3
    assert_error(send(**{f"f{number}": photo() for number in range(4)}), 400, "", "parse_error")
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    assert_error(send(frame=photo(), a="1", b="2", c="3"), 400, "", "parse_error")


def test_a_huge_upload_is_refused_before_it_is_read(
    client: Client, sensor_key: tuple[ApiKey, str], settings: Any, camera: Camera
) -> None:
    settings.MAX_IMAGE_BYTES = 1000
    response = client.post(
        INGEST, {"camera": camera.code, "frame": photo(b"x" * 200_000)}, headers={"X-API-Key": sensor_key[1]}
    )
    assert_error(response, 413)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"X-API-Key": "anprdeadbeef.wrong"},
        {"X-API-Key": "a\0b.c"},
        {"Authorization": "Api-Key nonsense"},
    ],
)
def test_a_wrong_key_is_401(client: Client, camera: Camera, header: dict[str, str]) -> None:
    body = {"camera": camera.code, "plate_number": "BB6232RB"}
    assert_error(client.post(INGEST, body, content_type="application/json", headers=header), 401)


def test_a_key_without_the_scope_is_403(client: Client, camera: Camera) -> None:
    _key, token = create_api_key(name="reader", scopes=[Scope.EVENTS_READ], by=None)
    body = {"camera": camera.code, "plate_number": "BB6232RB"}
    response = client.post(INGEST, body, content_type="application/json", headers={"X-API-Key": token})
    assert_error(response, 403)


def test_a_viewer_may_not_send(client: Client, camera: Camera, viewer: User) -> None:
    client.force_login(viewer)
    body = {"camera": camera.code, "plate_number": "BB6232RB"}
    assert_error(client.post(INGEST, body, content_type="application/json"), 403)


def test_errors_are_in_the_language_of_the_caller(send: Send, client: Client, camera: Camera) -> None:
    french = client.post(
        INGEST, {}, content_type="application/json", headers={"Accept-Language": "fr"}
    ).json()
    english = client.post(
        INGEST, {}, content_type="application/json", headers={"Accept-Language": "en"}
    ).json()
    assert french["detail"] != english["detail"]


def test_an_unknown_address_answers_in_the_same_format(client: Client) -> None:
    response = client.get("/api/v1/nothing")
    assert response.status_code == 404
    assert set(response.json()) == {"detail", "timestamp", "errors"}


def test_passages_are_listed_in_pages_without_counting(
    client: Client, viewer: User, new_passage: Callable[..., NewPassage], django_assert_max_num_queries: Any
) -> None:
    record([new_passage(f"AB{number:04}") for number in range(60)])
    client.force_login(viewer)
    # Session, account, passages, cameras, corrections.
    with django_assert_max_num_queries(5) as queries:
        first = client.get("/api/v1/events").json()
    assert not any("COUNT(" in query["sql"] for query in queries)
    assert len(first["results"]) == 50
    assert len(client.get(first["next"]).json()["results"]) == 10


def test_a_search_by_plate_needs_a_reason_and_leaves_a_trace(
    client: Client, operator: User, new_passage: Callable[..., NewPassage]
) -> None:
    record([new_passage("BB6232RB"), new_passage("AN0674RB")])
    client.force_login(operator)
    assert client.get("/api/v1/events?plate=BB6232RB").status_code == 400
    lately = quote((timezone.now() - timedelta(days=14)).isoformat())
    asked = "/api/v1/events?plate=bb-6232-rb&reason=plainte"
    # As far back as passages are kept: that needs a case, also of an operator.
    assert client.get(asked).json()["errors"][0]["field"] == "case_reference"
    found = client.get(f"{asked}&from={lately}").json()["results"]
    assert [row["plate_number"] for row in found] == ["BB6232RB"]
    client.get(f"/api/v1/events/{found[0]['id']}")
    assert list(AuditEvent.objects.filter(actor=operator).values_list("action", "reason")) == [
        ("passage.view", ""),
        ("passage.search", "plainte"),
    ]


@pytest.mark.parametrize(
    ("query", "status", "field", "code"),
    [
        ("camera=a%00", 400, "camera", "null_characters_not_allowed"),
        ("plate=BB6232RB&reason=a%00b", 400, "reason", "null_characters_not_allowed"),
        ("plate=a%00", 400, "plate", "null_characters_not_allowed"),
        ("plate=BB6232RB&reason=%20", 400, "reason", "required"),
        ("plate=BB6232RB&reason=" + "x" * 501, 400, "reason", "max_length"),
        ("cursor=cD1hYmM=", 404, "", "not_found"),  # p=abc
        ("cursor=cD0yMDI2LTExLTIx", 404, "", "not_found"),  # p=2026-11-21, without an offset
        ("cursor=cD0wMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAw", 404, "", "not_found"),  # the year 1
    ],
)
def test_a_list_asked_for_nonsense_says_so(
    client: Client, viewer: User, query: str, status: int, field: str, code: str
) -> None:
    client.force_login(viewer)
    assert_error(client.get(f"/api/v1/events?{query}"), status, field, code)


def test_an_uploaded_picture_keeps_no_name_of_its_sender(send: Send) -> None:
    send(plate_number="BB6232RB", frame=SimpleUploadedFile("../../etc/passwd.jpg", picture(), "image/jpeg"))
    path = Detection.objects.get().image_path
    assert path.startswith("frames/seme-krake-1/")
    assert "passwd" not in path


def test_bytes_of_the_frame_are_kept_as_sent(send: Send) -> None:
    data = picture(kind="PNG")
    send(plate_number="BB6232RB", frame=photo(data, "a.png"))
    with default_storage.open(Detection.objects.get().image_path) as kept:
        assert io.BytesIO(kept.read()).getvalue() == data


def test_a_database_that_is_away_is_a_503_and_leaves_no_file(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object) -> None:
        raise OperationalError("planted")

    monkeypatch.setattr(storing, "write", away)
    assert_error(send(plate_number="BB6232RB", frame=photo()), 503, "", "database_away")


def test_a_full_disk_stores_nothing(send: Send, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    real = FileSystemStorage._save  # type: ignore[attr-defined]

    def full(self: FileSystemStorage, name: str, content: ContentFile[bytes]) -> str:
        real(self, name, ContentFile(content.read()[:100]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    client.raise_request_exception = False
    response = send(plate_number="BB6232RB", frame=photo())
    assert response.status_code == 500
    assert set(response.json()) == {"detail", "timestamp", "errors"}
    assert not Detection.objects.exists()
    assert files() == []
