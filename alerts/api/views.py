"""/api/v1/alerts: read and acknowledge."""

from typing import cast

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.pagination import TimePagination
from accounts.models import User
from accounts.views import client_address
from alerts import services
from alerts.api.serializers import AlertSerializer
from alerts.models import Alert


class AlreadyTaken(APIException):
    """Two officers clicked: the second is told."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("Somebody else has acknowledged this alert already.")
    default_code = "already_acknowledged"


class AlertPagination(TimePagination):
    """Both ways through alerts, newest first."""

    ordering = ("-created_at", "-id")
    page_size = 50


class AlertListView(generics.ListAPIView[Alert]):
    """Alerts, newest first."""

    serializer_class = AlertSerializer
    pagination_class = AlertPagination
    required_permission = "alerts.view_alert"

    def get_queryset(self) -> QuerySet[Alert]:
        """Alerts that the caller may see."""
        if getattr(self, "swagger_fake_view", False):
            return Alert.objects.none()
        return Alert.objects.visible_to(self.request.user).for_list()


class AcknowledgeView(APIView):
    """Take an alert."""

    required_permission = "alerts.change_alert"

    @extend_schema(request=None, responses=AlertSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """The alert as taken; 409 when somebody else has it."""
        user = cast(User, request.user)
        get_object_or_404(Alert.objects.visible_to(user), pk=pk)
        try:
            alert = services.acknowledge(pk, by=user, ip_address=client_address(request))
        except services.AlreadyTakenError as error:
            raise AlreadyTaken from error
        return Response(AlertSerializer(alert).data)
