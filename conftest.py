"""Fixtures of all tests: real PostgreSQL and Redis, media in a temporary folder."""

import io
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from PIL import Image, ImageDraw

from accounts.models import ApiKey, Scope, User
from accounts.roles import Role
from accounts.services import create_api_key
from cameras.models import Camera
from detections.api import quick
from detections.models import Source
from detections.passages import NewPassage
from detections.retention import rules
from vehicles.models import StolenVehicle
from vehicles.services import report_theft_of

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test has its own media storage; static files are served without `collectstatic`."""
    rules.forget()
    quick.forget_cameras()
    # A request leaves its language behind.
    translation.deactivate()
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def make_user(role: Role) -> User:
    """An account of `role` whose password is PASSWORD."""
    return User.objects.create_user(
        f"{role}@example.bj", PASSWORD, role=role, first_name=role.title(), last_name="Test"
    )


@pytest.fixture
def admin_user(db: None) -> User:
    """An administrator."""
    return make_user(Role.ADMIN)


@pytest.fixture
def operator(db: None) -> User:
    """An operator."""
    return make_user(Role.OPERATOR)


@pytest.fixture
def viewer(db: None) -> User:
    """A viewer."""
    return make_user(Role.VIEWER)


@pytest.fixture
def logged_in() -> Callable[[User], Client]:
    """A browser in which the account is logged in."""

    def _logged_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return _logged_in


@pytest.fixture
def camera(db: None) -> Camera:
    """A camera at a border post."""
    return Camera.objects.create(
        name="Sèmè-Kraké 1",
        code="seme-krake-1",
        location_name="Sèmè-Kraké",
        latitude="6.38",
        longitude="2.71",
    )


@pytest.fixture
def sensor_key(db: None) -> tuple[ApiKey, str]:
    """A key that may send events, with its token."""
    return create_api_key(name="sensor", scopes=[Scope.EVENTS_WRITE], by=None)


@pytest.fixture
def theft(db: None) -> StolenVehicle:
    """BB6232RB is reported stolen."""
    return report_theft_of(
        plate_number="BB6232RB",
        by=None,
        vehicle={"brand": "Toyota", "model": "Corolla", "color": "gris", "vehicle_type": "car"},
        report_number="PV-2026-0001",
        stolen_date=timezone.now(),
        stolen_location="Cotonou, Dantokpa",
        police_station="Commissariat de Cotonou",
        contact_person="A. Dossou",
    )


@pytest.fixture
def new_passage(camera: Camera) -> Callable[..., NewPassage]:
    """A passage ready for `record`; keyword arguments change it."""

    def _new(plate: str = "BB6232RB", **changes: Any) -> NewPassage:
        fields: dict[str, Any] = {
            "camera": camera,
            "plate_number": plate,
            "detected_at": timezone.now(),
            "confidence": 0.93,
            "source": Source.API,
            "event_id": uuid.uuid4(),
        }
        return NewPassage(**(fields | changes))

    return _new


def picture(size: tuple[int, int] = (640, 360), kind: str = "JPEG", colour: str = "#557") -> bytes:
    """A sound picture with a white plate in it."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).rectangle((200, 200, 320, 230), fill="white")
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def at(text: str) -> datetime:
    """An aware time from ISO text."""
    return datetime.fromisoformat(text)
