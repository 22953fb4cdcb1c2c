"""What holds for every page: who gets in, no inline style or script, errors, contrast, the plate."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from alerts import services
from alerts.models import Alert
from cameras.models import Camera, CameraIncident, CameraLease
from conftest import picture
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle

LogIn = Callable[[User], Client]
New = Callable[..., NewPassage]

INLINE = re.compile(
    r"""<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*["']|javascript:""", re.IGNORECASE
)


@pytest.fixture
def addresses(new_passage: New, theft: StolenVehicle, camera: Camera) -> list[str]:
    """Every page of the product, with something on each."""
    passages = [
        new_passage("BB6232RB", frame=picture(), bounding_box=[200, 200, 320, 230]),
        new_passage("8B6232", detected_at=timezone.now() - timedelta(hours=2)),
    ]
    record(passages)
    services.match_passages(list(Detection.objects.select_related("camera")))
    alerts = [reverse("alerts:detail", args=[pk]) for pk in Alert.objects.values_list("pk", flat=True)]
    seen = [reverse("detections:detail", args=[pk]) for pk in Detection.objects.values_list("pk", flat=True)]
    fixed = [
        "dashboard",
        "alerts:list",
        "alerts:live",
        "detections:list",
        "detections:live",
        "cameras:list",
        "search:page",
        "statistics",
    ]
    one, live = reverse("cameras:detail", args=[camera.code]), reverse("live:page", args=[camera.code])
    mark = f"{int(timezone.now().timestamp() * 10**6)}-1"
    asked = [
        f"/passages/?before={mark}",
        "/alertes/?etat=toutes",
        f"{one}?periode=7j",
        "/statistiques/?periode=24h",
    ]
    return [*alerts, *seen, *map(reverse, [*fixed, "cameras:count"]), one, live, *asked]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["viewer", "operator", "admin_user"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_opens_for_every_role_without_inline_style_or_script(
    request: pytest.FixtureRequest, logged_in: LogIn, addresses: list[str], role: str, language: str
) -> None:
    client = logged_in(request.getfixturevalue(role))
    client.cookies.load({settings.LANGUAGE_COOKIE_NAME: language})
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
        html = response.content.decode()
        assert not INLINE.search(html), f"{address}: {INLINE.search(html)}"
        assert html.count("button--primary") <= 1, f"{address}: more than one primary button"
        assert response["Content-Language"] == language


@pytest.mark.django_db
def test_who_is_not_logged_in_is_led_to_the_log_in(client: Client, addresses: list[str]) -> None:
    pictures = [
        f"/alertes/{Alert.objects.all()[0].pk}/photo",
        f"/passages/{Detection.objects.all()[0].pk}/plaque",
    ]
    for address in [*addresses, *pictures]:
        response = client.get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith(reverse("login"))


@pytest.mark.django_db
def test_the_dashboard_shows_alerts_passages_and_cameras_in_trouble_first(
    logged_in: LogIn, operator: User, addresses: list[str], camera: Camera
) -> None:
    source, now = "http://192.0.2.1/stream", timezone.now()
    igolo = Camera.objects.create(name="Igolo", code="igolo", status="online", stream_url=source)
    CameraLease.objects.create(camera=igolo, holder=uuid4(), expires_at=now + timedelta(hours=1))
    CameraIncident.objects.create(camera=igolo, kind="slow", since=now, found_at=now, noticed_at=now)
    reason = "flux <fermé>"
    Camera.objects.create(name="Porga", code="porga", status="error", status_reason=reason, stream_url=source)
    html = logged_in(operator).get("/").content.decode()
    assert html.index("Porga") < html.index("Igolo")
    assert "flux &lt;fermé&gt;" in html
    # Soon after midnight those of the last hours are yesterday's, and none is "passage" in French.
    for words in ("alertes ouvertes", "passages? aujourd’hui", "caméra en ligne sur 2", "Trop lente"):
        assert re.search(words, html), words
    assert "data-passage-id" in html
    only = logged_in(operator).get("/", headers={"hx-target": "cameras-live"}).content.decode()
    assert "Porga" in only
    assert "<html" not in only


@pytest.mark.django_db
def test_the_pages_say_where_the_socket_is(logged_in: LogIn, viewer: User, settings: Any) -> None:
    settings.WEBSOCKET_PORT = ""
    assert 'data-websocket=""' in logged_in(viewer).get("/").content.decode()
    settings.WEBSOCKET_PORT = "8001"
    assert 'data-websocket="ws://testserver:8001"' in logged_in(viewer).get("/").content.decode()


@pytest.mark.django_db
def test_errors_have_designed_pages(logged_in: LogIn, viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = logged_in(viewer)
    client.raise_request_exception = False
    response = client.get("/nulle-part/")
    assert response.status_code == 404
    assert "Il n’y a rien à cette adresse" in response.content.decode()

    def fail(user: User) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("anpr_site.home.open_alerts", fail)
    response = client.get("/")
    assert response.status_code == 500
    html = response.content.decode()
    assert "Une erreur s’est produite ici" in html
    assert "planted" not in html
    assert not INLINE.search(html)

    strict = Client(enforce_csrf_checks=True)
    response = strict.post(reverse("login"), {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert "Cette page est restée ouverte trop longtemps" in response.content.decode()


@pytest.mark.django_db
def test_the_console_wears_the_same_tokens(logged_in: LogIn, admin_user: User) -> None:
    html = logged_in(admin_user).get(reverse("admin:index")).content.decode()
    assert "css/tokens.css" in html
    assert "css/console.css" in html


# --- the plate ------------------------------------------------------------------------------------------


def plate(text: str, **options: Any) -> str:
    words = " ".join(f"{name}={name}" for name in options)
    template = Template(f"{{% load plate %}}{{% plate text {words} %}}")
    with translation.override("fr"):
        return template.render(Context({"text": text, **options}))


def plain(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html).strip()


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("BB6232RB", {}, "BB 6232 RB"),
        ("2A9402RB", {}, "2A 9402 RB"),
        ("bb-6232 rb", {}, "BB 6232 RB"),
        ("TG1958DR", {}, "TG 1958 DR"),
        ("ABC123DE", {}, "ABC 123DE"),
        ("Q", {}, "Q"),
        ("??", {}, ""),
    ],
)
def test_a_plate_copies_as_plain_text(text: str, options: dict[str, Any], expected: str) -> None:
    assert plain(plate(text, **options)) == expected


def test_a_plate_wears_its_own_colours_and_lines() -> None:
    assert "plate--orange plate--ink-black" in plate("AY9795RB", colour="orange")
    assert "plate--blue plate--ink-white" in plate("AD1234RB", colour="blue")
    assert "plate--two" in plate("2A9402RB")
    assert "plate--two" not in plate("BB6232RB", layout="one_line")
    assert "plate__mark--BJ" in plate("BB6232RB")
    assert "plate__mark" not in plate("BB6232")
    assert "plate--white" in plate("BB6232RB", colour="<x>")


def test_a_plate_is_spelled_out_and_marks_what_was_doubted() -> None:
    assert 'aria-label="Plaque B B 6 2 3 2 R B"' in plate("BB6232RB")
    html = plate("BB6232RB", confidences=[0.9, 0.3, *[0.9] * 6])
    assert 'B<span class="plate__doubt">B</span>' in html
    assert 'aria-label="Plaque B B 6 2 3 2 R B, incertain\xa0: B"' in html
    assert "plate__doubt" not in plate("BB6232RB", confidences=[0.1]), (
        "confidences of another text are left out"
    )


def test_a_pair_without_the_mark_or_with_a_mark_in_front_stays_aligned() -> None:
    template = Template("{% load plate %}{% plate_pair read listed characters %}")
    characters = [{"position": 1, "read": "7", "listed": "1", "kind": "different"}]
    html = template.render(Context({"read": "TG7958DR", "listed": "TG1958DR", "characters": characters}))
    assert '<span class="plate__differs">7</span>' in html
    assert '<span class="plate__differs">1</span>' in html
    html = template.render(Context({"read": "BB6232", "listed": "BB6232RB", "characters": []}))
    assert "plate__differs" not in html
    assert html.count("plate__mark--BJ") == 1


# --- contrast ------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def tokens(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{3,6});", css))


CSS = Path(settings.BASE_DIR) / "static" / "css"
PAIRS = [
    ("text", "surface", 7), ("text", "ground", 7), ("text", "brand-soft", 7),
    ("muted", "surface", 4.5), ("muted", "ground", 4.5), ("muted", "sunken", 4.5),
    ("muted", "brand-soft", 4.5),
    ("brand", "surface", 4.5), ("brand", "ground", 4.5), ("on-brand", "brand", 4.5),
    ("act", "surface", 7), ("act", "act-soft", 7), ("act", "brand-soft", 4.5),
    ("verify", "verify-soft", 4.5), ("good", "surface", 4.5), ("good", "good-soft", 4.5),
    ("off", "off-soft", 4.5), ("line-strong", "surface", 3),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "least"), PAIRS)
def test_text_is_legible_in_light_and_dark(first: str, second: str, least: float) -> None:
    light, media, chosen = re.split(r"@media|:root\[data-theme", (CSS / "tokens.css").read_text(), maxsplit=2)
    assert tokens(media) == tokens(chosen), "both ways into the dark theme show the same"
    for theme in (tokens(light), tokens(light) | tokens(chosen)):
        assert contrast(theme[first], theme[second]) >= least


@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        ("white", "black"), ("orange", "black"), ("yellow", "black"), ("blue", "white"), ("red", "white"),
        ("green", "white"), ("purple", "white"), ("black", "white"), ("white", "blue"), ("white", "red"),
        ("white", "green"),
    ],
)  # fmt: skip
def test_plates_are_legible_at_the_strictest_level(paper: str, ink: str) -> None:
    css = (CSS / "plate.css").read_text()
    papers = dict(re.findall(r"\.plate--([a-z]+) \{ --paper: (#[0-9a-f]+);", css))
    inks = dict(re.findall(r"\.plate--ink-([a-z]+) \{ --ink: (#[0-9a-f]+);", css))
    assert contrast(papers[paper], inks[ink]) >= 7
