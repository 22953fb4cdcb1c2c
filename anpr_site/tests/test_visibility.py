"""`visible_to` denies by default, in every app."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import ApiKey, AuditEvent, User
from accounts.services import create_api_key
from alerts.models import Alert
from cameras.models import Camera, CameraIncident, ModelConfig, SensorSettings, Zone
from detections.models import Correction, Detection, SavedSearch, Submission
from vehicles.models import StolenVehicle, Vehicle

pytestmark = pytest.mark.django_db


def test_querysets_deny_by_default(
    admin_user: User, operator: User, viewer: User, theft: StolenVehicle
) -> None:
    camera = Camera.objects.create(name="x", code="x")
    Zone.objects.create(name="x", camera=camera, geometry={"type": "Polygon", "coordinates": []})
    SensorSettings.objects.create(name="x", code="x", camera=camera)
    ModelConfig.objects.create(name="x", engine="native")
    SavedSearch.objects.create(owner=viewer, name="x", criteria={})
    create_api_key(name="k", scopes=[], by=admin_user)
    managers = [
        model.objects
        for model in (
            Alert,
            ApiKey,
            AuditEvent,
            Camera,
            CameraIncident,
            Correction,
            Detection,
            SavedSearch,
            StolenVehicle,
            Submission,
            User,
            Vehicle,
            ModelConfig,
            SensorSettings,
            Zone,
        )
    ]
    for manager in managers:
        assert not manager.visible_to(AnonymousUser()).exists(), manager
    assert not StolenVehicle.objects.visible_to(viewer).exists()
    assert not Zone.objects.visible_to(viewer).exists()
    assert Zone.objects.visible_to(operator).exists()
    assert not SensorSettings.objects.visible_to(operator).exists()
    assert ModelConfig.objects.visible_to(admin_user).exists()
    assert StolenVehicle.objects.visible_to(operator).exists()
    assert not AuditEvent.objects.visible_to(operator).exists()
    assert AuditEvent.objects.visible_to(admin_user).exists()
    assert list(User.objects.visible_to(viewer)) == [viewer]
    assert SavedSearch.objects.visible_to(viewer).exists()
    assert not SavedSearch.objects.visible_to(admin_user).exists(), "one's own only"
