"""Settings of a camera: what nothing can be done with is refused, and told where it slipped in."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from cameras.models import Camera
from cameras.options import CameraSettings, CameraSettingsError

WRONG = [
    ([1], r"\{\.\.\.\}"),
    ("loop", r"\{\.\.\.\}"),
    ({"engine": "nope"}, "rapidocr"),
    ({"engine": 3}, "rapidocr"),
    ({"engine": ["rapidocr"]}, "rapidocr"),
    ({"retry_seconds": "soon"}, "retry_seconds"),
    ({"retry_seconds": True}, "retry_seconds"),
    ({"retry_seconds": -1}, "retry_seconds"),
    ({"loop_pause": 1e9}, "loop_pause"),
    ({"loop_pause": None}, "loop_pause"),
    ({"loop": "x"}, "loop"),
    ({"loop": 1}, "loop"),
    ({"engine_parameters": {"url": "http://a/"}}, "engine_parameters.*engine"),
    ({"engine": "nope", "engine_parameters": {}}, "engine_parameters.*engine"),
    ({"engine": "http", "engine_parameters": {"uri": "http://a/"}}, "url, timeout, token_env"),
    ({"engine": "http", "engine_parameters": {"url": ["http://a/"]}}, "engine_parameters.*: url, timeout"),
    ({"engine": "http", "engine_parameters": "http://a/"}, "engine_parameters.*: url, timeout"),
    ({"source": [1]}, "source"),
    ({"source": {"transport": "pigeon"}}, "tcp, udp"),
    ({"source": {"read": 0}}, "read"),
    ({"lane_lines": "middle"}, "lane_lines"),
    ({"lane_lines": [[[0.5, 0.3]]]}, "lane_lines"),
    ({"lane_lines": [[[0.2, 0.5], [0.8, 0.5]]]}, "lane_lines"),
    ({"lane_lines": [[[0.5, 0.3], [0.5, 1.1]]]}, "lane_lines"),
    ({"lane_lines": [[[0.5, 0.3], [True, 1]]]}, "lane_lines"),
    ({"lane_lines": [[[0.5, 0.3], 7]]}, "lane_lines"),
    ({"lane_lines": [[[0.5, 0.01 * i] for i in range(51)]]}, "lane_lines"),
]


@pytest.mark.parametrize(("value", "words"), WRONG)
def test_wrong_settings_are_refused_with_their_name(value: Any, words: str) -> None:
    camera = Camera(name="x", code="x", settings=value)
    with pytest.raises(ValidationError, match=words) as refused:
        camera.clean()
    assert list(refused.value.message_dict) == ["settings"]
    with pytest.raises(CameraSettingsError, match=words):
        camera.options  # noqa: B018


def test_unknown_settings_are_refused_but_do_not_stop_a_camera_that_has_them() -> None:
    camera = Camera(name="x", code="x", settings={"loop": True, "lop_pause": 3})
    with pytest.raises(ValidationError, match=r"lop_pause.*engine, loop, loop_pause, retry_seconds"):
        camera.clean()
    assert camera.options == CameraSettings(loop=True)
    camera.settings = {"source": {"transprot": "udp"}}
    with pytest.raises(ValidationError, match=r"transprot.*transport"):
        camera.clean()


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"engine": ""},
        {"engine": "rapidocr", "loop": True, "loop_pause": 0.5, "retry_seconds": 0},
        {"engine": "http", "engine_parameters": {"url": "https://gpu.example/read", "timeout": 3}},
        {"source": {"transport": "udp", "read": 3, "frozen": 0}},
        {"lane_lines": [[[0.4, 0.3], [0.35, 0.6], [0.2, 1]], [[0.6, 0.3], [0.8, 1]]]},
    ],
)
def test_sound_settings_pass(value: dict[str, Any]) -> None:
    Camera(name="x", code="x", settings=value).clean()


def test_lane_lines_divide_as_many_lanes_as_the_camera_has() -> None:
    lines = {"lane_lines": [[[0.4, 0.3], [0.2, 1]], [[0.6, 0.3], [0.8, 1]]]}
    Camera(name="x", code="x", settings=lines, lanes=3).clean()
    with pytest.raises(ValidationError, match="lane_lines"):
        Camera(name="x", code="x", settings=lines, lanes=2).clean()


def test_the_console_refuses_wrong_settings_and_takes_an_emptied_field_as_none(
    admin_user: User, camera: Camera, client: Client
) -> None:
    client.force_login(admin_user)
    form = {
        "name": camera.name, "code": camera.code, "camera_type": "fixed", "fps": "6", "latitude": "",
        "longitude": "", "stream_url": "", "rtsp_url": "", "settings": '{"engine": "nope"}',
    }  # fmt: skip
    address = f"/admin/cameras/camera/{camera.pk}/change/"
    answer = client.post(address, form)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["settings"]
    assert client.post(address, form | {"settings": ""}).status_code == 302
    camera.refresh_from_db()
    assert camera.settings == {}
