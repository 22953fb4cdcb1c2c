"""Who may call an API view: a role's permission for people, a scope for keys. Nothing declared: nobody."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey, may

if TYPE_CHECKING:  # rest_framework.views reads the settings that name this module
    from rest_framework.views import APIView


class RoleOrScope(BasePermission):
    """Reads `required_permission` and `required_scope` of the view; a missing one lets nobody in."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True when the key has the scope or the user's role the permission."""
        if isinstance(request.auth, ApiKey):
            scope = getattr(view, "required_scope", None)
            return scope is not None and scope in request.auth.scopes
        permission = getattr(view, "required_permission", None)
        return permission is not None and may(request.user, permission)
