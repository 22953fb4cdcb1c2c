"""Health tells the truth about each service."""

import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

HEAVY = "cv2 torch torchvision ultralytics easyocr onnxruntime rapidocr av numpy"


@pytest.mark.django_db
def test_all_is_well(client: Client) -> None:
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").status_code == 200
    assert client.get("/liveness").status_code == 200


@pytest.mark.django_db
def test_without_redis_it_is_degraded_and_still_takes_passages(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    body = client.get("/health").json()
    assert body["status"] == "degraded"
    assert body["services"] == {"database": True, "redis": False, "feed": True}
    assert client.get("/ready").status_code == 200


def test_a_web_process_loads_no_model_library() -> None:
    code = (
        "import sys, anpr_site.wsgi, anpr_site.asgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        f"print(sorted(set({HEAVY.split()!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
