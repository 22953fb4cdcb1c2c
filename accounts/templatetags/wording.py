"""How times, numbers and places are written: French or English typography, always in Africa/Porto-Novo."""

from datetime import datetime

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext
from django.utils.translation import gettext as _

register = template.Library()

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
SPACE = "\N{NO-BREAK SPACE}"


def _french() -> bool:
    return (get_language() or "fr").startswith("fr")


@register.filter
def clock(value: datetime) -> str:
    """`14 h 05`, in English `14:05`."""
    return formats.date_format(timezone.localtime(value), pgettext("hours and minutes", "H:i"))


@register.filter
def day(value: datetime) -> str:
    """`21 novembre 2025`; the first of a month is `1er`."""
    local = timezone.localtime(value)
    text = formats.date_format(local, "j F Y").replace(" ", SPACE, 1)
    return text.replace("1", "1er", 1) if _french() and local.day == 1 else text


@register.filter
def moment(value: datetime | None) -> str:
    """Exact: `21 novembre 2025 à 14 h 05 min 12 s`."""
    if value is None:
        return "–"
    seconds = formats.date_format(timezone.localtime(value), pgettext("hours, minutes and seconds", "H:i:s"))
    return _("%(day)s at %(time)s") % {"day": day(value), "time": seconds}


def in_words(value: datetime, now: datetime) -> str:
    """`il y a 2 min`; from yesterday on the date and the time."""
    seconds = int((now - value).total_seconds())
    if seconds < 0:
        return clock(value)
    if seconds < 60:
        return _("just now")
    minutes, hours = seconds // 60, seconds // 3600
    if minutes < 60:
        return ngettext("%(n)s min ago", "%(n)s min ago", minutes) % {"n": minutes}
    if hours < 12:
        return ngettext("%(n)s h ago", "%(n)s h ago", hours) % {"n": hours}
    local = timezone.localtime(value)
    if local.date() == timezone.localtime(now).date():
        return _("today at %(time)s") % {"time": clock(value)}
    short = formats.date_format(local, pgettext("day and month", "j N")).replace(" ", SPACE, 1)
    return _("%(day)s at %(time)s") % {"day": short, "time": clock(value)}


@register.simple_tag
def ago(value: datetime | None) -> SafeString | str:
    """Relative time whose exact one shows on hover; `live.js` keeps it up to date."""
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.isoformat(timespec="seconds"),
        moment(value),
        in_words(value, timezone.now()),
    )


@register.simple_tag
def exactly(value: datetime | None) -> SafeString | str:
    """Exact time as a <time> element."""
    if value is None:
        return "–"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), moment(value))


@register.filter
def number(value: int) -> str:
    """`1 248` with a narrow space that does not break; in English `1,248`."""
    text = f"{value:,}"
    return text.replace(",", NARROW_SPACE) if _french() else text


@register.filter
def ordinal(value: int) -> str:
    """`1er`, `2e`; in English `1st`, `2nd`."""
    if _french():
        return f"{value}er" if value == 1 else f"{value}e"
    last = 0 if value % 100 in (11, 12, 13) else value % 10
    return str(value) + {1: "st", 2: "nd", 3: "rd"}.get(last, "th")


@register.filter
def lasting(seconds: float) -> str:
    """How long: `45 s`, `12 min`, `3 h 05`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}{SPACE}s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}{SPACE}h{SPACE}{minutes:02}" if hours else f"{minutes}{SPACE}min"


@register.filter
def percent(value: float | None) -> str:
    """A share as `93 %`; rounded down, so that 100 % means certain."""
    if value is None:
        return "–"
    return f"{int(value * 100)}{SPACE if _french() else ''}%"


@register.simple_tag
def coordinates(latitude: float | None, longitude: float | None) -> str:
    """`6,3800° N, 2,7100° E`."""
    if latitude is None or longitude is None:
        return ""
    north = pgettext("compass", "N") if latitude >= 0 else pgettext("compass", "S")
    east = pgettext("compass", "E") if longitude >= 0 else pgettext("compass", "W")
    parts = (f"{abs(latitude):.4f}°{SPACE}{north}", f"{abs(longitude):.4f}°{SPACE}{east}")
    if _french():
        return "; ".join(part.replace(".", ",") for part in parts).replace("; ", f"{SPACE}; ")
    return ", ".join(parts)


_WORDS = {
    "approaching": gettext_lazy("towards the camera"),
    "leaving": gettext_lazy("away from the camera"),
    "white": gettext_lazy("white"),
    "black": gettext_lazy("black"),
    "grey": gettext_lazy("grey"),
    "silver": gettext_lazy("silver"),
    "orange": gettext_lazy("orange"),
    "yellow": gettext_lazy("yellow"),
    "blue": gettext_lazy("blue"),
    "red": gettext_lazy("red"),
    "green": gettext_lazy("green"),
    "brown": gettext_lazy("brown"),
    "beige": gettext_lazy("beige"),
    "purple": gettext_lazy("purple"),
    "car": gettext_lazy("car"),
    "motorcycle": gettext_lazy("motorcycle"),
    "truck": gettext_lazy("truck"),
    "bus": gettext_lazy("bus"),
    "bicycle": gettext_lazy("bicycle"),
    "private": gettext_lazy("private"),
    "commercial_taxi_trailer": gettext_lazy("commercial, taxi or trailer"),
    "state_blue": gettext_lazy("state (blue)"),
    "state_red": gettext_lazy("state (red)"),
    "state_motorcycle": gettext_lazy("state motorcycle"),
    "official_staff": gettext_lazy("presidency staff"),
    "presidency_government": gettext_lazy("presidency and government"),
    "provisional_legacy": gettext_lazy("provisional (old)"),
    "trade": gettext_lazy("trade (W)"),
    "diplomatic": gettext_lazy("diplomatic"),
}


@register.filter
def worded(value: str) -> str:
    """A colour, direction, kind of vehicle or of plate in the user's language; unknown words stay as sent."""
    return str(_WORDS.get(value, value))
