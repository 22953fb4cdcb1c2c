"""What tests share that drive the whole running product from a real browser."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.stack import Stack

CHROMIUM = os.environ.get("CHROMIUM") or next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
]
SWITCH_OFF = (
    "from cameras.models import Camera; Camera.objects.filter(code='demo-route').update(is_enabled=False)"
)
PATIENCE = 45_000
"""Milliseconds until a test gives up: far more than the two seconds that benchmarks hold the product to."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The whole product on free ports with demo data; the demo camera is off, to leave the processor free."""
    with Stack.throwaway() as running:
        running.manage("shell", "--no-imports", "-c", SWITCH_OFF)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    if not CHROMIUM:
        pytest.skip("NO CHROMIUM: get it with apt-get install chromium, or name one with CHROMIUM=/path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def log_in_of(stack: Stack, role: str) -> tuple[str, str]:
    """E-mail and password of a demonstration account, as `make run` prints them."""
    found = re.search(rf"({role}@demo\.bj)\s+(\S+)", stack.demo)
    assert found, stack.demo
    return found[1], found[2]
