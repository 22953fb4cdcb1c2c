"""Addresses of streams: which are taken, and how they are shown without what may be secret in them.

Cameras carry passwords in many places: before the host (rtsp://user:password@...), in the query
(?token=...), in the path (/user=admin_password=..._channel=1.sdp) and behind it. Only scheme, host, port and
plain path are shown; the rest is the mask. Whoever sends back the masked address keeps what is stored.
"""

import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "file")
MAX_ADDRESS = 500
MASK = "***"
_PLAIN_SEGMENT = re.compile(r"[\w.,~ -]{0,40}")
"""Part of a path that holds no name=value; a longer one may be a token."""


def validate_source(value: str) -> None:
    """A source that the product can read: an address, or an absolute path as file:///...

    Not where the product keeps its own pictures: they would be read as new ones, and moved.
    """
    parts = _split(value)
    if parts is None or parts.scheme not in STREAM_SCHEMES or not (parts.netloc or parts.scheme == "file"):
        raise ValidationError(
            _("Give an address that starts with %(schemes)s."),
            params={"schemes": ", ".join(f"{scheme}://" for scheme in STREAM_SCHEMES)},
        )
    if parts.scheme != "file":
        return
    path = unquote(parts.path)
    if not PurePosixPath(path).is_absolute() or "\0" in path:
        raise ValidationError(_("Give a file or a folder as file:///absolute/path."))
    if is_own(path):
        raise ValidationError(
            _("The product keeps its own pictures there (MEDIA_ROOT): give another file or folder.")
        )


def is_own(path: str | Path) -> bool:
    """Whether the path leads, links followed, to MEDIA_ROOT, into it, or to a folder above it."""
    place, media = (Path(os.path.realpath(one)) for one in (path, settings.MEDIA_ROOT))
    return place.is_relative_to(media) or media.is_relative_to(place)


def _split(value: str) -> SplitResult | None:
    """Parts of an address; None where there are none, as of an unclosed [ or a port that is no number."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 (read to be checked)
    except ValueError:
        return None
    return parts


def masked(value: str) -> str:
    """The address as it may be shown to whoever may change it."""
    parts = _split(value)
    if not value or parts is None:
        return MASK if value else ""
    if parts.scheme == "file":
        return value
    host = parts.netloc.rpartition("@")[2]
    if "@" not in parts.netloc and "@" in value:
        # A password with a / or # in it, not escaped: what looks like the host is its beginning.
        host = MASK
    segments = [
        segment if _PLAIN_SEGMENT.fullmatch(unquote(segment)) else MASK for segment in parts.path.split("/")
    ]
    return "".join(
        (
            f"{parts.scheme}://",
            f"{MASK}@" if "@" in parts.netloc else "",
            host,
            "/".join(segments),
            f"?{MASK}" if parts.query else "",
            f"#{MASK}" if parts.fragment else "",
        )
    )


def unmasked(sent: str, stored: str) -> str:
    """What to store when `sent` came in: the stored address where its own mask came back.

    Raises ValidationError for any other masked address: putting the stored password into it would hand it
    to another host.
    """
    if stored and sent == masked(stored):
        return stored
    if MASK in sent:
        raise ValidationError(
            _("Type the whole address again, password included: %(mask)s stands for what is hidden."),
            code="masked",
            params={"mask": MASK},
        )
    return sent
