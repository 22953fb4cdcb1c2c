"""The main job on the whole running product, seen from a real browser.

Servers, web, WebSocket, workers and beat run as in `make run`; Chromium is the machine's. Latencies are not
judged here: `benchmarks/end_to_end` measures them.
"""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from anpr_site.tests.conftest import PATIENCE, SWITCH_OFF, log_in_of
from deploy.stack import Stack
from recognition.images import to_jpeg
from recognition.synthesis import draw_photo

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # Playwright's own event loop and pipes are collected late.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def key_of(stack: Stack) -> str:
    """Token of the demonstration sensor."""
    found = re.search(r"(anpr[0-9a-f]{8}\.\S+)", stack.demo)
    assert found, stack.demo
    return found[1]


@pytest.fixture
def dashboard(stack: Stack, browser: Browser) -> Iterator[Page]:
    """A dashboard, open and live, of an operator who logged in by hand."""
    context = browser.new_context(locale="fr-FR", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    email, password = log_in_of(stack, "operator")
    page.goto(stack.url)
    page.fill("[name=username]", email)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    expect(page.locator("#live-state[data-state=open]")).to_be_attached(timeout=PATIENCE)
    yield page
    assert errors == []
    context.close()


def send(stack: Stack, *, photo: bytes | None = None, **fields: Any) -> httpx.Response:
    """An event of the demonstration sensor: a form when there is a photo, JSON otherwise."""
    address, headers = f"{stack.url}/api/v1/events/ingest", {"X-API-Key": key_of(stack)}
    if photo is None:
        return httpx.post(address, json=fields, headers=headers, timeout=20)
    return httpx.post(address, data=fields, files={"frame": ("p.jpg", photo)}, headers=headers, timeout=20)


def alerts_of(page: Page, plate: str) -> Any:
    """Alerts of a plate on the page."""
    return page.locator("[data-alert-id]", has=page.locator(f'[aria-label*="{" ".join(plate)}"]'))


def test_a_photo_by_camera_and_one_by_http_become_alerts_that_are_taken(
    stack: Stack, dashboard: Page
) -> None:
    inbox = Path(stack.environment["MEDIA_ROOT"]).parent / "demo" / "photos"
    car, motorcycle = alerts_of(dashboard, "BB6232"), alerts_of(dashboard, "2A9402")

    unfinished = inbox / "photo.part"
    unfinished.write_bytes(to_jpeg(draw_photo("BB6232RB", "car", seed=11)))
    unfinished.rename(inbox / "photo.jpg")
    expect(car).to_have_count(1, timeout=PATIENCE)

    photo = to_jpeg(draw_photo("2A9402RB", "motorcycle", seed=12))
    answer = send(stack, photo=photo, camera="igolo")
    assert answer.status_code == 202
    expect(motorcycle).to_have_count(1, timeout=PATIENCE)
    status = httpx.get(answer.json()["status_url"], headers={"X-API-Key": key_of(stack)}).json()
    assert status["status"] == "read"

    motorcycle.locator("[data-open]").click()
    expect(dashboard.locator("h1")).to_be_visible()
    expect(dashboard.get_by_text("DEMO-2026-0117")).to_be_visible()
    for picture in dashboard.locator("main img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    dashboard.get_by_role("button", name="Prendre en compte").click()
    expect(dashboard.get_by_text("Koffi Agossou").last).to_be_visible()


def test_redis_dies_during_ingest_and_the_alert_arrives_when_it_returns(
    stack: Stack, dashboard: Page
) -> None:
    before = dashboard.locator("[data-alert-id]").count()
    stack.servers.kill_redis()
    events = [str(uuid.uuid4()) for _ in range(5)]
    plates = ["BB6232RB", "AN0674RB", "AB1111RB", "AB2222RB", "AB3333RB"]
    for event, plate in zip(events, plates, strict=True):
        answer = send(stack, camera="porga", event_id=event, plate_number=plate, confidence=0.95)
        assert answer.status_code == 201, answer.text
    assert httpx.get(f"{stack.url}/health").json()["status"] == "degraded"
    stack.servers.start_redis()
    expect(dashboard.locator("[data-alert-id]")).to_have_count(before + 1, timeout=PATIENCE)
    for event, plate in zip(events, plates, strict=True):
        repeat = send(stack, camera="porga", event_id=event, plate_number=plate, confidence=0.95)
        assert (repeat.status_code, repeat.json()["status"]) == (200, "duplicate")


def test_postgresql_dies_and_nothing_acknowledged_is_lost(stack: Stack, dashboard: Page) -> None:
    before = dashboard.locator("[data-alert-id]").count()
    event: dict[str, Any] = {"camera": "hillacondji-entree", "plate_number": "2A9402RB", "confidence": 0.95}
    first = send(stack, event_id=str(uuid.uuid4()), **event)
    assert first.status_code == 201
    stack.servers.stop_postgres("kill")
    second: dict[str, Any] = {"event_id": str(uuid.uuid4()), **event}
    refused = send(stack, **second)
    assert refused.status_code == 503
    assert set(refused.json()) == {"detail", "timestamp", "errors"}
    stack.servers.start_postgres()
    assert send(stack, **second).status_code == 201
    # Both sightings are one alert, seen twice.
    row = alerts_of(dashboard, "2A9402").filter(has_text="Hillacondji")
    expect(row).to_have_count(1, timeout=PATIENCE)
    expect(row).to_contain_text("2 fois", timeout=PATIENCE)
    assert dashboard.locator("[data-alert-id]").count() == before + 1


def test_what_is_wrong_is_refused_and_nothing_is_stored(stack: Stack) -> None:
    photo = to_jpeg(draw_photo("BB6232RB", "car", seed=13))
    count = "from detections.models import *; print(Detection.objects.count(), Submission.objects.count())"
    before = stack.manage("shell", "--no-imports", "-c", count)
    wrong_ones: list[dict[str, Any]] = [
        {"photo": photo[:-2000], "camera": "igolo"},
        {"photo": b"A text file named .jpg", "camera": "igolo"},
        {"photo": photo, "camera": "nowhere"},
    ]
    for wrong in wrong_ones:
        answer = send(stack, **wrong)
        assert answer.status_code == 400
        assert set(answer.json()) == {"detail", "timestamp", "errors"}
    refused = httpx.post(f"{stack.url}/api/v1/events/ingest", json={}, headers={"X-API-Key": "anpr0.wrong"})
    assert refused.status_code == 401
    assert stack.manage("shell", "--no-imports", "-c", count) == before


def test_a_worker_killed_hard_is_back_and_goes_on(stack: Stack, dashboard: Page) -> None:
    before = dashboard.locator("[data-alert-id]").count()
    stack.kill("default")
    assert send(stack, camera="malanville-pont", plate_number="2A9402RB", confidence=0.9).status_code == 201
    expect(dashboard.locator("[data-alert-id]")).to_have_count(before + 1, timeout=PATIENCE)


def test_the_demonstration_camera_plays_its_clip(stack: Stack, dashboard: Page) -> None:
    stack.manage("shell", "--no-imports", "-c", SWITCH_OFF.replace("False", "True"))
    for plate in ("AN0674", "2A9402"):
        row = dashboard.locator(
            "[data-passage-id]", has=dashboard.locator(f'[aria-label*="{" ".join(plate)}"]')
        )
        expect(row.filter(has_text="démonstration").first).to_be_visible(timeout=PATIENCE)
