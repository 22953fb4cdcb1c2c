"""Addresses: pages in French, console, API, health."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from accounts.api.errors import json_error
from anpr_site import health, home, metrics, retention_page
from detections import statistics_views


class SchemaView(SpectacularAPIView):
    """The OpenAPI description, for anyone with an account."""

    required_permission = "alerts.view_alert"


api: list[URLPattern | URLResolver] = [
    path("", include("detections.api.urls")),
    path("", include("alerts.api.urls")),
    path("", include("cameras.api.urls")),
    path("schema", SchemaView.as_view(), name="schema"),
]

camera_pages: list[URLPattern | URLResolver] = [
    path("", include("cameras.urls")),
    path("", include("detections.camera_urls")),
]

urlpatterns = [
    path("api/v1/", include((api, "api"))),
    path("", home.dashboard, name="dashboard"),
    path("", include("accounts.urls")),
    path("alertes/", include("alerts.urls")),
    path("passages/", include("detections.urls")),
    path("recherche/", include("detections.search_urls")),
    path("conservation/", retention_page.retention, name="retention"),
    path("statistiques/", statistics_views.statistics, name="statistics"),
    path("cameras/", include("cameras.live_urls")),
    path("cameras/", include((camera_pages, "cameras"))),
    path("langue/", login_not_required(set_language), name="set_language"),
    path("admin/", admin.site.urls),
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("liveness", health.liveness, name="liveness"),
    path("metrics", metrics.metrics, name="metrics"),
]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 of Django itself: the API's error format under /api/ (413 for a body above the limit)."""
    if not request.path.startswith("/api/"):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return json_error(request, 413, _("The request is too large."))
    return json_error(request, 400, _("The request cannot be read."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: the API's error format under /api/, the designed page elsewhere."""
    if request.path.startswith("/api/"):
        return json_error(request, 404, _("There is nothing at this address."))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: the API's error format under /api/, the designed page elsewhere."""
    if request.path.startswith("/api/"):
        return json_error(request, 500, _("Something went wrong here; nothing was stored. Try again later."))
    return defaults.server_error(request)


handler400 = "anpr_site.urls.bad_request"
handler404 = "anpr_site.urls.not_found"
handler500 = "anpr_site.urls.server_error"
