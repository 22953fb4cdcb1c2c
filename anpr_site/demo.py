"""Demonstration data: cameras at real posts, a few vehicles, theft reports, one account of each role.

Places and coordinates: our own estimate (within 3 km) of border posts; plates, people and report numbers are
invented. Everything is idempotent: a second call adds only what is missing.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import ApiKey, Scope, User
from accounts.roles import Role
from accounts.services import create_api_key, revoke_api_key
from cameras.models import Camera
from vehicles.models import StolenVehicle, Vehicle
from vehicles.services import report_theft_of

DEMO_CAMERA = "demo-route"
INBOX_CAMERA = "demo-photos"
SENSOR = "Capteur de démonstration"

ACCOUNTS = (
    (Role.ADMIN, "Awa", "Hounkpatin"),
    (Role.OPERATOR, "Koffi", "Agossou"),
    (Role.VIEWER, "Rachidatou", "Bio"),
)
POSTS = (
    ("Sèmè-Kraké, entrée", "seme-krake-entree", "Poste frontière de Sèmè-Kraké", 6.38, 2.71),
    ("Hillacondji, entrée", "hillacondji-entree", "Poste frontière de Hillacondji", 6.25, 1.63),
    ("Igolo", "igolo", "Poste frontière d’Igolo", 6.68, 2.73),
    ("Porga", "porga", "Poste frontière de Porga", 11.05, 0.97),
    ("Malanville, pont", "malanville-pont", "Poste frontière de Malanville", 11.88, 3.39),
)
REGISTER = (
    (
        "AN0674RB",
        {"brand": "Toyota", "model": "Corolla", "color": "bleu", "vehicle_type": "car", "year": 2012},
    ),
    ("BB6232RB", {"brand": "Peugeot", "model": "406", "color": "gris", "vehicle_type": "car", "year": 2003}),
    ("2A9402RB", {"brand": "Bajaj", "model": "Boxer", "color": "rouge", "vehicle_type": "motorcycle"}),
    ("7C3815RB", {"brand": "Haojue", "model": "HJ 110", "color": "noir", "vehicle_type": "motorcycle"}),
)
THEFTS = (
    ("2A9402RB", "DEMO-2026-0117", "Cotonou, marché Dantokpa", "Commissariat du 5e arrondissement", 3),
    ("BB6232RB", "DEMO-2026-0093", "Porto-Novo, quartier Ouando", "Commissariat de Porto-Novo", 12),
)
# What the drawn clip shows: (plate, kind, second at which it sets out). 2A9402RB is reported stolen.
CLIP = (
    ("AN0674RB", "car", 1.0),
    ("2A9402RB", "motorcycle", 6.0),
    ("AY9795RB", "taxi", 13.0),
    ("7C3815RB", "motorcycle", 15.0),
)
CLIP_SECONDS = 24.0
LOOP_PAUSE = 30
"""Seconds of empty road between two showings of the clip."""


@dataclass(frozen=True)
class LogIn:
    """A log-in to be shown once."""

    role: str
    email: str
    password: str


def create_accounts(*, reset_passwords: bool) -> list[LogIn]:
    """One account of each role; the log-ins made or reset, with their new passwords."""
    made = []
    for role, first_name, last_name in ACCOUNTS:
        email = f"{role}@demo.bj"
        user = User.objects.filter(email=email).first()
        if user and not reset_passwords:
            continue
        password = secrets.token_urlsafe(12)
        if user:
            user.set_password(password)
            user.save(update_fields=["password"])
        else:
            User.objects.create_user(
                email,
                password,
                role=role,
                username=f"demo-{role}",
                first_name=first_name,
                last_name=last_name,
            )
        made.append(LogIn(str(Role(role).label), email, password))
    return made


def create_sensor_key(*, reset: bool) -> str:
    """Token of the demonstration sensor; empty when it exists and is not reset."""
    existing = ApiKey.objects.usable().filter(name=SENSOR)
    if existing and not reset:
        return ""
    administrator = User.objects.get(email="admin@demo.bj")
    for key in existing:
        revoke_api_key(key, by=administrator, reason="reset of the demonstration")
    _key, token = create_api_key(
        name=SENSOR, scopes=[Scope.EVENTS_WRITE, Scope.EVENTS_READ], by=administrator
    )
    return token


def create_vehicles() -> None:
    """The register and the theft reports."""
    for plate, fields in REGISTER:
        Vehicle.objects.get_or_create(plate_number=plate, defaults=fields)
    reporter = User.objects.get(email="operator@demo.bj")
    for plate, number, place, station, days in THEFTS:
        if not StolenVehicle.objects.filter(report_number=number).exists():
            report_theft_of(
                plate_number=plate,
                by=reporter,
                report_number=number,
                stolen_date=timezone.now() - timedelta(days=days),
                stolen_location=place,
                police_station=station,
                description="Déclaration inventée pour la démonstration.",
            )


def clip_path() -> Path:
    """Where the drawn clip lies: beside the media, made again when it is missing."""
    return Path(settings.MEDIA_ROOT).parent / "demo" / "route.mp4"


def draw_clip() -> Path:
    """Draw the clip once (recognition.synthesis); its path."""
    from recognition.synthesis import make_clip

    path = clip_path()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name("unfinished.mp4")
        make_clip(unfinished, CLIP, CLIP_SECONDS, seed=2026)
        unfinished.replace(path)
    return path


def create_cameras() -> None:
    """Cameras at real posts (no stream), one that plays the drawn clip, one that reads a folder."""
    for name, code, place, latitude, longitude in POSTS:
        Camera.objects.get_or_create(
            code=code,
            defaults={"name": name, "location_name": place, "latitude": latitude, "longitude": longitude},
        )
    inbox = clip_path().parent / "photos"
    inbox.mkdir(parents=True, exist_ok=True)
    for code, name, source, extra in (
        (DEMO_CAMERA, "Sèmè-Kraké, démonstration", draw_clip(), {"loop": True, "loop_pause": LOOP_PAUSE}),
        (INBOX_CAMERA, "Dossier de photos, démonstration", inbox, {}),
    ):
        Camera.objects.update_or_create(
            code=code,
            defaults={"stream_url": source.as_uri(), "settings": extra},
            create_defaults={
                "name": name,
                "location_name": "Poste frontière de Sèmè-Kraké",
                "latitude": 6.38,
                "longitude": 2.71,
                "stream_url": source.as_uri(),
                "settings": extra,
            },
        )
