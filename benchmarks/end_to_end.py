"""How long from a photo's arrival until its alert stands in an open browser page.

Data: drawn photos (recognition.synthesis, seeds from 1000) of two stolen vehicles, a car and a motorcycle;
alerts are not folded. Runs the whole product with `deploy.stack`, and the machine's Chromium with an
operator's dashboard open. Measured: from the end of the request (HTTP) or the appearance of the file (folder
camera) until the row is in the page. Table: benchmarks/results/end_to_end.md.
"""

import os
import re
import shutil
import statistics
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from deploy.stack import Stack
from recognition.images import to_jpeg
from recognition.synthesis import draw_photo

ROUNDS = 25
RESULT = Path(__file__).parent / "results" / "end_to_end.md"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PREPARE = """
from cameras.models import Camera
Camera.objects.filter(code='demo-route').update(is_enabled=False)
for number in range({rounds} * 2):
    Camera.objects.create(name=f'Banc {{number:03}}', code=f'banc-{{number:03}}')
"""


def log_in(page: Page, stack: Stack) -> None:
    """Open the operator's dashboard, live."""
    [(email, password)] = re.findall(r"(operator@demo\.bj)\s+(\S+)", stack.demo)
    page.goto(stack.url)
    page.fill("[name=username]", email)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_selector("#live-state[data-state=open]", state="attached")


def wait_for_alert(page: Page, newest: int, started: float) -> tuple[int, float]:
    """Wait for an alert newer than `newest`; its id and the milliseconds since `started`."""
    found = page.wait_for_function(
        "before => [...document.querySelectorAll('[data-alert-id]')]"
        ".map(row => Number(row.dataset.alertId)).find(id => id > before)",
        arg=newest,
        timeout=30_000,
        polling=10,
    )
    return int(found.json_value()), (time.monotonic() - started) * 1000


def by_http(page: Page, stack: Stack, *, reading: bool) -> list[float]:
    """Events of the sensor: with their reading, or as a photo to be read here."""
    [key] = re.findall(r"(anpr[0-9a-f]{8}\.\S+)", stack.demo)
    first = 0 if reading else ROUNDS
    newest, times = current(page), []
    for number in range(ROUNDS):
        plate, kind = (("BB6232RB", "car"), ("2A9402RB", "motorcycle"))[number % 2]
        fields = {"camera": f"banc-{first + number:03}"} | ({"plate_number": plate} if reading else {})
        photo = to_jpeg(draw_photo(plate, kind, seed=1000 + number))
        answer = httpx.post(
            f"{stack.url}/api/v1/events/ingest",
            data=fields,
            files={"frame": ("p.jpg", photo)},
            headers={"X-API-Key": key},
        )
        answer.raise_for_status()
        newest, spent = wait_for_alert(page, newest, time.monotonic())
        times.append(spent)
    return times


def by_folder(page: Page, stack: Stack) -> list[float]:
    """Photos that arrive in the folder of a camera; its earlier alert is taken, so that the next is new."""
    inbox = Path(stack.environment["MEDIA_ROOT"]).parent / "demo" / "photos"
    newest, times = current(page), []
    for number in range(ROUNDS):
        plate, kind = (("BB6232RB", "car"), ("2A9402RB", "motorcycle"))[number % 2]
        photo = inbox / f"{number}.part"
        photo.write_bytes(to_jpeg(draw_photo(plate, kind, seed=2000 + number)))
        photo.rename(inbox / f"{number}.jpg")
        newest, spent = wait_for_alert(page, newest, time.monotonic())
        times.append(spent)
    return times


def current(page: Page) -> int:
    """The newest alert on the page."""
    shown = [int(row.get_attribute("data-alert-id") or 0) for row in page.locator("[data-alert-id]").all()]
    return max(shown, default=0)


def row(name: str, times: list[float]) -> str:
    """A line of the table, in milliseconds."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"| {name} | {len(times)} | {statistics.median(times):.0f} | {p95:.0f} | {max(times):.0f} |"


def main() -> None:
    """Measure, print the table and keep it."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("No Chromium: apt-get install chromium, or set CHROMIUM.")
    with Stack.throwaway(ALERT_FOLD_SECONDS="0") as stack, sync_playwright() as playwright:
        stack.manage("shell", "--no-imports", "-c", PREPARE.format(rounds=ROUNDS))
        page = playwright.chromium.launch(executable_path=chromium, args=FLAGS).new_page()
        log_in(page, stack)
        lines = [
            "# From a photo's arrival to its alert in an open page (milliseconds)",
            "",
            f"`make bench ARGS=end_to_end`; {ROUNDS} drawn photos a row, seeds from 1000; "
            f"{os.cpu_count()} cores.",
            "",
            "| way in | photos | median | p95 | max |",
            "|---|---|---|---|---|",
            row("HTTP, already read", by_http(page, stack, reading=True)),
            row("HTTP, photo read here", by_http(page, stack, reading=False)),
            row("folder camera", by_folder(page, stack)),
        ]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
