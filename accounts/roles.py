"""What each role may do, as code: reviewed like code, the same on every machine.

admin: everything, accounts and keys included. operator: handles alerts, camera incidents, vehicles and theft
reports, corrects reads, sees cameras, their zones and the photos that wait to be read. viewer: reads passages
and alerts. Permissions are Django's names, `app.action_model`.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """Role of an account (document A, table users)."""

    ADMIN = "admin", _("Administrator")
    OPERATOR = "operator", _("Operator")
    VIEWER = "viewer", _("Viewer")


VIEWER = frozenset(
    {
        "alerts.view_alert",
        "cameras.view_camera",
        "detections.view_detection",
        "vehicles.view_vehicle",
    }
)
OPERATOR = VIEWER | {
    "alerts.change_alert",
    "cameras.change_cameraincident",
    "cameras.view_zone",
    "detections.add_correction",
    "detections.add_detection",
    "detections.view_correction",
    "detections.view_submission",
    "vehicles.add_vehicle",
    "vehicles.change_vehicle",
    "vehicles.view_stolenvehicle",
    "vehicles.add_stolenvehicle",
    "vehicles.change_stolenvehicle",
}
# Facts that nobody edits by hand, whatever the role: passages are corrected beside the original, alerts are
# raised by the matcher, the audit trail only grows.
NEVER = frozenset(
    {
        "accounts.add_auditevent",
        "accounts.change_auditevent",
        "accounts.delete_auditevent",
        "accounts.delete_user",
        "alerts.add_alert",
        "alerts.delete_alert",
        "cameras.add_cameraincident",
        "cameras.delete_cameraincident",
        "detections.change_correction",
        "detections.delete_correction",
        "detections.add_deletioncertificate",
        "detections.change_deletioncertificate",
        "detections.delete_deletioncertificate",
        "detections.add_retentionrule",
        "detections.delete_retentionrule",
        "detections.change_detection",
        "detections.delete_detection",
        "detections.add_submission",
        "detections.change_submission",
        "detections.delete_submission",
    }
)


def allows(role: str, permission: str) -> bool:
    """True when `role` holds `permission` ("app.action_model"); an unknown role holds nothing."""
    if permission in NEVER:
        return False
    if role == Role.ADMIN:
        return True
    return permission in {Role.OPERATOR: OPERATOR, Role.VIEWER: VIEWER}.get(Role(role), frozenset())
