"""A camera that passages name stays."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from cameras.models import Camera
from detections.passages import NewPassage
from detections.services import record

pytestmark = pytest.mark.django_db


def test_a_camera_with_passages_is_not_deleted(
    admin_user: User,
    camera: Camera,
    new_passage: Callable[..., NewPassage],
    logged_in: Callable[[User], Client],
) -> None:
    record([new_passage()])
    client = logged_in(admin_user)
    answer = client.delete(f"/api/v1/config/cameras/{camera.pk}", headers={"If-Match": "*"})
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "in_use"
    client.post(f"/admin/cameras/camera/{camera.pk}/delete/", {"post": "yes"})
    assert Camera.objects.filter(pk=camera.pk).exists()
    assert not AuditEvent.objects.filter(action="camera.delete").exists()
