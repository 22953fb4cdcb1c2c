"""The search page by keyboard in a real browser, on the whole running product."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from anpr_site.tests.conftest import PATIENCE, log_in_of
from anpr_site.tests.test_end_to_end import send
from deploy.stack import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # Playwright's own event loop and pipes are collected late.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def dashboard(stack: Stack, browser: Browser) -> Iterator[Page]:
    """The dashboard of an operator; no script fails on any page until the end."""
    context = browser.new_context(locale="fr-FR", viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    email, password = log_in_of(stack, "operator")
    page.goto(stack.url)
    page.fill("[name=username]", email)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    expect(page.locator("#live-state")).to_be_attached(timeout=PATIENCE)
    yield page
    assert errors == []
    context.close()


def test_a_plate_is_found_by_keyboard_alone(stack: Stack, dashboard: Page) -> None:
    page = dashboard
    for plate in ("KX1234RB", "KX1234", "KXI234RB", "KX1934RB"):
        answer = send(stack, camera="igolo", plate_number=plate, confidence=0.95)
        assert answer.status_code == 201, answer.text

    page.keyboard.press("/")
    expect(page.locator("#id_plate")).to_be_focused(timeout=PATIENCE)
    page.keyboard.type("kx?2*")
    expect(page.locator("[name=mode][value=wildcard]")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#reason-error")).to_be_visible(timeout=PATIENCE)

    page.locator("#id_plate").press("ControlOrMeta+a")
    page.keyboard.type("KX1234")
    page.keyboard.press("Tab")
    expect(page.locator("[name=mode][value=exact]")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[name=mode][value=fuzzy]")).to_be_checked()
    page.locator("#id_reason").focus()
    page.keyboard.type("contrôle de routine")
    page.keyboard.press("Enter")

    expect(page.locator("tr[data-passage-id]")).to_have_count(4, timeout=PATIENCE)
    assert "KX" not in page.url
    expect(page.get_by_text("3e caractère\xa0: I lu, 1 possible")).to_be_visible()
    expect(page.get_by_text("4e caractère\xa0: 9 lu au lieu de 2")).to_be_visible()
    expect(page.locator(".found__cameras li")).to_have_count(1)

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr.is-current")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/passages/\d+/$"), timeout=PATIENCE)


def test_an_area_is_drawn_on_the_map_and_narrows(stack: Stack, dashboard: Page) -> None:
    page = dashboard
    for camera in ("igolo", "porga"):
        assert send(stack, camera=camera, plate_number="KY7777RB", confidence=0.95).status_code == 201
    page.goto(f"{stack.url}/recherche/")
    page.fill("#id_plate", "KY7777")
    page.fill("#id_reason", "contrôle de routine")
    page.locator("details.where > summary").click()
    picture = page.locator("[data-area-map] svg")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box
    for x, y in ((0.3, 0.8), (0.9, 0.8), (0.9, 0.97), (0.3, 0.97)):
        picture.click(position={"x": box["width"] * x, "y": box["height"] * y})
    drawn = page.locator("#id_area").input_value().splitlines()
    assert len(drawn) == 4
    latitude, longitude = (float(number) for number in drawn[0].split(","))
    assert latitude == pytest.approx(7.32, abs=0.1)
    assert longitude == pytest.approx(1.54, abs=0.1)
    page.locator("[data-area=back]").click()
    expect(page.locator("#id_area")).to_have_value("\n".join(drawn[:3]))
    page.locator("[data-area=back]").click()
    page.locator("#id_area").fill("\n".join([*drawn[:2], "6.2, 3.8", "6.2, 1.5"]))
    expect(page.locator("[data-area-map] .map__area")).not_to_have_attribute("points", "")
    page.press("#id_reason", "Enter")
    expect(page.locator("tr[data-passage-id]")).to_have_count(1, timeout=PATIENCE)
    expect(page.locator("tr[data-passage-id]")).to_contain_text("Igolo")
