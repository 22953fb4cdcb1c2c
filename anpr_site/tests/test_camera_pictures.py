"""Pictures of cameras in a real browser: connecting now, drawing zones, the live view."""

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import redis
from playwright.sync_api import Browser, Locator, Page, Route, expect

from anpr_site.tests.conftest import PATIENCE, SWITCH_OFF, log_in_of
from deploy.stack import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # Playwright's own event loop and pipes are collected late.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    """Playwright's own five seconds are too few for a machine that reads plates meanwhile."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5000)


@pytest.fixture
def open_page(stack: Stack, browser: Browser) -> Iterator[Open]:
    """Opens an address as somebody of a role; scripts that fail and what the CSP blocks fail the test."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def _open(address: str, role: str = "admin", **device: Any) -> Page:
        context = browser.new_context(locale="fr-FR", **(device or DESK))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        email, password = log_in_of(stack, role)
        page.goto(f"{stack.url}/connexion/?next={address}")
        page.fill("[name=username]", email)
        page.fill("[name=password]", password)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"**{address}")
        return page

    yield _open
    assert wrong == []
    for context in contexts:
        context.close()


@pytest.fixture
def demo(stack: Stack) -> Iterator[int]:
    """The demonstration camera, being read without a pause."""
    playing = "c.settings = {'loop': True, 'loop_pause': 0}; c.is_enabled = True; c.save()"
    yield pk_of(stack, "demo-route", playing)
    stack.manage("shell", "--no-imports", "-c", SWITCH_OFF)


def pk_of(stack: Stack, code: str, change: str = "") -> int:
    """Key of a camera; `change` is done to it before."""
    find = f"from cameras.models import Camera; c = Camera.objects.get(code={code!r})"
    return int(stack.manage("shell", "--no-imports", "-c", f"{find}\n{change}\nprint(c.pk)"))


def client_of(stack: Stack) -> redis.Redis:
    return redis.Redis.from_url(stack.environment["REDIS_URL"])


# --- live -------------------------------------------------------------------------------------------------


def test_the_live_view_shows_changing_pictures_with_boxes_and_plates_soon_after_they_were_taken(
    stack: Stack, demo: int, open_page: Open
) -> None:
    page = open_page("/cameras/demo-route/direct/", "viewer")
    page.evaluate(
        """() => { window.shown = []; document.querySelector("[data-live]").addEventListener("live-picture",
           (event) => shown.push([Number(event.detail), Date.now() / 1000])); }"""
    )
    expect(page.locator(".watch[data-state=live]")).to_be_visible()
    expect(page.locator(".watch__boxes polygon").first).to_be_attached()
    expect(page.locator("[data-list] [aria-label^=Plaque]").first).to_be_visible()
    size = page.locator(".watch__image").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [960, 540]
    shown: list[list[float]] = []
    until = time.monotonic() + PATIENCE / 1000
    while len(shown) < 12 and time.monotonic() < until:
        page.wait_for_timeout(500)
        shown = page.evaluate("shown")
    assert len(shown) >= 12
    assert len({number for number, _at in shown}) == len(shown)
    ages = [at - number for number, at in shown]
    figures = f"capture to screen: median {statistics.median(ages):.2f} s, most {max(ages):.2f} s"
    assert 0 < statistics.median(ages) < 5, figures
    between = statistics.median(later[1] - earlier[1] for earlier, later in pairwise(shown))
    assert 0.8 < between < 4
    with client_of(stack) as store:
        assert store.exists(f"anpr:camera:{demo}:watched")
        page.close()
        time.sleep(6)
        assert not store.exists(f"anpr:camera:{demo}:watched")
        left = store.pttl(f"anpr:camera:{demo}:live")
        time.sleep(3)
        assert store.pttl(f"anpr:camera:{demo}:live") < left - 2500, "a picture was made for nobody"
    trail = (
        "from accounts.models import AuditEvent as A; print(A.objects.filter(action='camera.watch').count())"
    )
    assert stack.manage("shell", "--no-imports", "-c", trail).strip() == "1"


def test_a_view_whose_mark_has_run_out_is_opened_again(stack: Stack, open_page: Open) -> None:
    page = open_page("/cameras/porga/", "viewer")
    left, marks = [410], []

    def answer(route: Route) -> None:
        marks.append(route.request.url)
        route.fulfill(status=left.pop(), body="") if left else route.continue_()

    page.route("**/direct/image?*", answer)
    with page.expect_request("**/direct/ouvrir"):
        page.goto(f"{stack.url}/cameras/porga/direct/")
    with page.expect_request("**/direct/ouvrir"):
        pass
    expect(page.locator(".watch:is([data-state=idle], [data-state=off])")).to_be_visible()
    assert len(marks) > 1


def test_redis_goes_and_comes_back_under_the_live_view(stack: Stack, demo: int, open_page: Open) -> None:
    page = open_page("/cameras/demo-route/direct/", "operator")
    expect(page.locator(".watch[data-state=live]")).to_be_visible()
    stack.servers.kill_redis()
    expect(page.locator(".watch[data-state=away]")).to_be_visible()
    expect(page.get_by_text("messagerie interne").first).to_be_visible()
    stack.servers.start_redis()
    expect(page.locator(".watch[data-state=live]")).to_be_visible()


def test_a_camera_that_nobody_reads_and_a_server_that_is_gone_are_told(stack: Stack, open_page: Open) -> None:
    pk_of(stack, "porga", "c.rtsp_url = 'rtsp://127.0.0.1:9/x'; c.save()")
    page = open_page("/cameras/porga/direct/", "viewer")
    expect(page.get_by_text("Connexion refusée", exact=False).first).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator(".watch[data-state=offline]")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(".watch[data-state=idle]")).to_be_visible()
    page.context.clear_cookies()
    expect(page.locator(".watch[data-state=closed]")).to_be_visible()


# --- connecting now ---------------------------------------------------------------------------------------


def connect(page: Page) -> Locator:
    """Press the button; again where all workers were busy. What came of it."""
    over = page.locator(".trial--done, .trial--failed")
    for _attempt in range(3):
        page.locator("#trial").evaluate("box => box.replaceChildren()")
        page.get_by_role("button", name="Se connecter maintenant").click()
        expect(over).to_be_visible()
        if "Aucun processus de lecture" not in over.inner_text():
            break
    return over


def test_connecting_now_shows_the_picture_or_says_what_is_wrong(stack: Stack, open_page: Open) -> None:
    page = open_page(f"/admin/cameras/camera/{pk_of(stack, 'demo-route')}/change/")
    expect(connect(page)).to_contain_text("1280 × 720, H.264")
    picture = page.locator("[data-trial-picture]")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1280
    page.fill("[name=rtsp_url]", "rtsp://officer:hunter2@127.0.0.1:9/x")
    failed = connect(page)
    expect(failed).to_contain_text("Connexion refusée")
    expect(failed).to_contain_text("pas encore enregistré")
    page.get_by_role("button", name="Afficher l’image en direct").click()
    expect(page.locator(".watch[data-state=off]")).to_be_visible()


# --- zones ------------------------------------------------------------------------------------------------


def click(stage: Locator, x: float, y: float) -> None:
    """Click at a place of the picture, in shares of it."""
    box = stage.bounding_box()
    assert box
    stage.click(position={"x": x * box["width"], "y": y * box["height"]})


def ring_of(page: Page) -> list[list[float]]:
    """The outline that would be saved."""
    text = page.locator("[name=geometry]").input_value()
    ring: list[list[float]] = json.loads(text)["coordinates"][0] if text else []
    return ring


def near(ring: list[list[float]], expected: list[tuple[float, float]]) -> bool:
    """Whether the points are those, to two pixels or so."""
    return len(ring) == len(expected) and all(
        abs(x - a) < 0.004 and abs(y - b) < 0.006 for (x, y), (a, b) in zip(ring, expected, strict=True)
    )


CORNERS = [(0.2, 0.3), (0.7, 0.3), (0.7, 0.8), (0.2, 0.8)]


def new_zone(stack: Stack, open_page: Open, name: str, **device: Any) -> tuple[Page, Locator]:
    """The form of a new zone of the demonstration camera."""
    page = open_page(f"/admin/cameras/zone/add/?camera={pk_of(stack, 'demo-route')}", **device)
    page.fill("[name=name]", name)
    stage = page.locator("[data-stage]")
    expect(stage).to_be_visible()
    return page, stage


def test_a_zone_is_drawn_saved_and_changed_with_mouse_and_keys(stack: Stack, open_page: Open) -> None:
    page, stage = new_zone(stack, open_page, "Voie 1")
    page.get_by_role("button", name="Prendre une image").click()
    expect(page.locator("[data-image]")).to_be_visible()
    for corner in [*CORNERS, CORNERS[0]]:
        click(stage, *corner)
    assert near(ring_of(page), [*CORNERS, CORNERS[0]])
    page.get_by_role("button", name="Enregistrer et continuer").click()
    expect(page.locator(".success")).to_be_visible()
    assert near(ring_of(page), [*CORNERS, CORNERS[0]])
    expect(page.locator(".drawing__point")).to_have_count(4)

    second = page.get_by_role("button", name=re.compile("^Point 2 sur 4"))
    second.focus()
    second.press("ArrowDown")
    second.press("Shift+ArrowRight")
    assert near(ring_of(page)[1:2], [(0.75, 0.305)])
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert near(ring_of(page), [*CORNERS, CORNERS[0]])
    page.keyboard.press("Delete")
    assert len(ring_of(page)) == 4
    page.keyboard.press("Escape")
    assert near(ring_of(page), [*CORNERS, CORNERS[0]])

    third = page.get_by_role("button", name=re.compile("^Point 3 sur 4")).bounding_box()
    frame = stage.bounding_box()
    assert third
    assert frame
    page.mouse.move(third["x"] + third["width"] / 2, third["y"] + third["height"] / 2)
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.9 * frame["width"], frame["y"] + 0.9 * frame["height"], steps=4)
    page.mouse.up()
    click(stage, 0.45, 0.3)
    expected = [(0.2, 0.3), (0.45, 0.3), (0.7, 0.3), (0.9, 0.9), (0.2, 0.8), (0.2, 0.3)]
    assert near(ring_of(page), expected)
    page.get_by_role("button", name="Enregistrer et continuer").click()
    expect(page.locator(".success")).to_be_visible()
    assert near(ring_of(page), expected)


def test_what_is_wrong_with_a_zone_is_said_beside_it_and_the_drawing_is_kept(
    stack: Stack, open_page: Open
) -> None:
    page, stage = new_zone(stack, open_page, "Croisée")
    for corner in [(0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)]:
        click(stage, *corner)
    page.get_by_role("button", name="Enregistrer et continuer").click()
    expect(page.locator(".field-geometry .errorlist")).to_contain_text("n’est pas fermé")
    expect(page.locator(".drawing__point")).to_have_count(4)
    page.get_by_role("button", name="Fermer le tracé").click()
    expect(page.locator("[data-words]")).to_contain_text("se croise")
    page.get_by_role("button", name="Enregistrer et continuer").click()
    expect(page.locator(".field-geometry .errorlist")).to_contain_text("se croise")
    expect(page.locator(".drawing__point")).to_have_count(4)
    page.get_by_role("button", name="Recommencer").click()
    page.get_by_role("button", name="Enregistrer et continuer").click()
    expect(page.locator(".field-geometry .errorlist")).to_be_visible()


def test_text_and_drawing_follow_each_other_and_a_hundred_thousand_points_are_refused_at_once(
    stack: Stack, open_page: Open
) -> None:
    page, _stage = new_zone(stack, open_page, "Longue")
    page.get_by_text("En texte (GeoJSON)").click()
    text = page.locator("[name=geometry]")
    text.fill('{"type": "Polygon", "coordinates": [[[0.1, 0.1], [0.5, 0.1], [0.3, 0.6], [0.1, 0.1]]]}')
    expect(page.locator(".drawing__point")).to_have_count(3)
    text.fill('{"type": "Polygon", "coordinates": [[[0.1, 0.1], [2, 0.1], [0.3, 0.6], [0.1, 0.1]]]}')
    page.get_by_role("button", name="Enregistrer et continuer").click()
    expect(page.locator(".field-geometry .errorlist")).to_contain_text("hors")
    for points in (5_000, 100_000):
        ring = [[round(number / 1e5, 5), 0.5] for number in range(points)]
        page.get_by_text("En texte (GeoJSON)").click()
        started = time.monotonic()
        text.evaluate(
            "(field, value) => { field.value = value; field.dispatchEvent(new Event('input')); }",
            json.dumps({"type": "Polygon", "coordinates": [ring]}),
        )
        expect(page.locator("[data-words]")).to_contain_text(re.compile(rf"{points // 1000}\s000 points"))
        page.get_by_role("button", name="Enregistrer et continuer").click()
        expect(page.locator("[data-words]")).to_be_focused()
        assert time.monotonic() - started < 5
        page.get_by_text("En texte (GeoJSON)").click()


def test_what_the_drawing_cannot_show_is_not_replaced_by_a_click(stack: Stack, open_page: Open) -> None:
    page, stage = new_zone(stack, open_page, "Trouée")
    outer, hole = (
        [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9], [0.1, 0.1]],
        [[0.4, 0.2], [0.6, 0.2], [0.5, 0.4], [0.4, 0.2]],
    )
    page.get_by_text("En texte (GeoJSON)").click()
    text, add = page.locator("[name=geometry]"), page.get_by_role("button", name="Ajouter un point")
    for shape in (
        {"type": "Polygon", "coordinates": [outer, hole]},
        {"type": "MultiPolygon", "coordinates": [[outer], [hole]]},
    ):
        text.fill(json.dumps(shape))
        click(stage, 0.5, 0.5)
        expect(page.locator("[data-words]")).to_contain_text("les clics n’y changent rien")
        expect(add).to_be_disabled()
        expect(text).to_have_value(json.dumps(shape))
    page.get_by_role("button", name="Recommencer").click()
    expect(text).to_have_value("")
    page.get_by_role("button", name="Annuler").click()
    expect(text).to_have_value(json.dumps(shape))
    click(stage, 0.5, 0.5)
    expect(text).to_have_value(json.dumps(shape))
    page.get_by_role("button", name="Recommencer").click()
    click(stage, 0.5, 0.5)
    assert near(ring_of(page), [(0.5, 0.5)])


def test_a_slower_answer_of_the_camera_chosen_before_is_not_shown(stack: Stack, open_page: Open) -> None:
    slow, chosen = pk_of(stack, "demo-route"), pk_of(stack, "porga")
    page = open_page("/admin/cameras/zone/add/")
    held: list[Route] = []
    told = {"width": 4, "height": 3, "zones": [], "trial": "/x/", "pictures": []}
    page.route(f"**/camera/{slow}/dessin/", lambda route: held.append(route))
    page.route(f"**/camera/{chosen}/dessin/", lambda route: route.fulfill(json=told))
    choose = """pk => { const list = document.querySelector("[name=camera]");
        list.add(new Option(pk, pk, true, true)); window.django.jQuery(list).trigger("change"); }"""
    with page.expect_request(f"**/camera/{slow}/dessin/"):
        page.evaluate(choose, slow)
    page.evaluate(choose, chosen)
    stage = page.locator("[data-stage]")
    expect(stage).to_have_attribute("style", re.compile("4 / 3"))
    (route,) = held
    with page.expect_response(f"**/camera/{slow}/dessin/"):
        route.fulfill(json=told | {"width": 16, "height": 9, "trial": "/y/"})
    page.wait_for_timeout(300)
    expect(stage).to_have_attribute("style", re.compile("4 / 3"))
    expect(page.locator("[data-do=picture]")).to_have_attribute("hx-post", "/x/")


def test_a_zone_is_drawn_by_touch_on_a_phone(stack: Stack, open_page: Open) -> None:
    page, stage = new_zone(stack, open_page, "Téléphone", **PHONE)
    page.select_option("[name=zone_type]", "exclusion")
    for x, y in CORNERS[:3]:
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        assert box
        page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.get_by_role("button", name="Fermer le tracé").tap()
    ring = ring_of(page)
    assert len(ring) == 4
    assert all(
        abs(x - a) < 0.01 and abs(y - b) < 0.02 for (x, y), (a, b) in zip(ring, CORNERS[:3], strict=False)
    )
    box = stage.bounding_box()
    assert box
    drag = page.context.new_cdp_session(page)
    places = [CORNERS[2], (0.8, 0.7), (0.9, 0.6)]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), places, strict=True):
        at = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        drag.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
    drag.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("[name=geometry]")).to_have_value(
        re.compile(r"0\.9\d*,0\.[56]\d*|0\.89\d*,0\.[56]\d*")
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Enregistrer", exact=True).tap()
    expect(page.locator(".success")).to_be_visible()
