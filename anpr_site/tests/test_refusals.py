"""What Django refuses before any view of ours is asked."""

import json

import pytest
from django.core.exceptions import RequestDataTooBig
from django.test import Client, RequestFactory

from anpr_site.urls import bad_request

pytestmark = pytest.mark.django_db


def test_what_django_itself_refuses_is_json_under_api_and_a_page_elsewhere(client: Client) -> None:
    for address, kind in (("/api/v1/events", "application/json"), ("/connexion/", "text/html")):
        response = client.get(address, headers={"host": "elsewhere.example"})
        assert response.status_code == 400
        assert response.headers["Content-Type"].startswith(kind)
    too_big = bad_request(RequestFactory().post("/api/v1/events/ingest"), RequestDataTooBig())
    assert too_big.status_code == 413
    assert set(json.loads(too_big.content)) == {"detail", "timestamp", "errors"}
