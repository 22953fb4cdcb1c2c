"""Settings of a camera and parameters of an engine: what is known, and what is refused with its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from recognition.engines import ENGINES, PARAMETERS

MAX_PAUSE = 3600
"""Most seconds that a camera's settings may let it wait."""

TRANSPORTS = ("tcp", "udp")

Line: TypeAlias = tuple[tuple[float, float], ...]
MAX_LINE_POINTS = 50

RANGES: Mapping[str, tuple[float, float]] = {
    "min_confidence": (0, 1),
    "image_size": (32, 4096),
    "threads": (1, 64),
    "timeout": (0.1, 120),
}
"""Least and most of the engines' parameters that are numbers."""


class CameraSettingsError(ValueError):
    """Settings of a camera of a kind that nothing can be done with; the message says which."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Options of one source; all but `transport` are seconds.

    `transport` is how RTSP brings its pictures. `connect` and `read` end an attempt to connect, and a
    connection on which nothing comes at all. `silence` ends a connection that holds without a picture;
    `frozen` one that shows the same picture all the time (0: never). A snapshot is fetched every `poll`
    seconds (0: as often as frames are asked for). `tick`: whoever reads the source hears of it at least so
    often, with None while there is nothing to show.
    """

    transport: str = "tcp"
    connect: float = 5.0
    read: float = 10.0
    silence: float = 20.0
    frozen: float = 60.0
    poll: float = 0.0
    tick: float = 1.0

    @classmethod
    def read_from(cls, value: object) -> Self:
        """The known ones of stored options. Raises CameraSettingsError."""
        if not isinstance(value, Mapping):
            raise CameraSettingsError(_("The options of the source must be an object: {...}."))
        return cls(**{key: _checked_option(key, value[key]) for key in cls.known() if key in value})

    @classmethod
    def known(cls) -> list[str]:
        """The names of those that may be stored."""
        return [one.name for one in fields(cls) if one.name != "tick"]


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What `Camera.settings` may hold.

    `engine` reads this camera instead of the usual one, with `engine_parameters` (see
    `recognition.engines.PARAMETERS`); a video file is played again (`loop`) after `loop_pause` seconds; a
    source that failed is tried again after `retry_seconds` at most. `source`: how it is connected to.
    `lane_lines` divide its lanes, from left to right as it sees them: each is two or more points in shares of
    the picture, [0, 0] its upper left corner.
    """

    engine: str = ""
    loop: bool = False
    loop_pause: float = 0.0
    retry_seconds: float = 10.0
    engine_parameters: Mapping[str, str | float] = field(default_factory=dict)
    source: SourceOptions = field(default_factory=SourceOptions)
    lane_lines: tuple[Line, ...] = ()

    @classmethod
    def read(cls, value: object) -> Self:
        """The known ones of stored settings. Raises CameraSettingsError."""
        if not isinstance(value, Mapping):
            raise CameraSettingsError(_("The settings must be an object: {...}."))
        if "engine_parameters" in value:
            _check_parameters(value.get("engine"), value["engine_parameters"])
        return cls(**{key: _checked(key, value[key]) for key in cls.known() if key in value})

    @classmethod
    def known(cls) -> list[str]:
        """Their names."""
        return [one.name for one in fields(cls)]


def _check_parameters(engine: object, parameters: object) -> None:
    """Parameters that the engine named beside them takes. Raises CameraSettingsError."""
    known = PARAMETERS.get(engine) if isinstance(engine, str) else None
    if known is None:
        raise CameraSettingsError(_("Setting “engine_parameters” needs “engine” beside it."))
    if not isinstance(parameters, Mapping) or not all(
        key in known and isinstance(value, str | int | float) for key, value in parameters.items()
    ):
        raise CameraSettingsError(
            _("Setting “engine_parameters” must be texts or numbers by these names: %(names)s.")
            % {"names": ", ".join(known)}
        )
    _check_values(parameters)


def check_parameters(engine: str, parameters: object) -> None:
    """Parameters of a recognition model that its engine takes. Raises CameraSettingsError."""
    # Which networks it loads is said by the model's own columns.
    known = [name for name in PARAMETERS[engine] if not name.startswith("weights")]
    if not isinstance(parameters, Mapping) or not all(
        key in known and isinstance(value, str | int | float) and not isinstance(value, bool)
        for key, value in parameters.items()
    ):
        raise CameraSettingsError(
            _("The parameters of engine “%(engine)s” are texts or numbers by these names: %(names)s.")
            % {"engine": engine, "names": ", ".join(known)}
        )
    if engine == "http" and not parameters.get("url"):
        raise CameraSettingsError(_("Engine “http” needs the parameter “url”."))
    _check_values(parameters)


def _check_values(parameters: Mapping[str, Any]) -> None:
    """What engines refuse when they start is told while it is typed. Raises CameraSettingsError."""
    for name, (least, most) in RANGES.items():
        value = parameters.get(name, least)
        if not isinstance(value, int | float) or not least <= value <= most:
            raise CameraSettingsError(
                _("Parameter “%(name)s” must be a number from %(least)g to %(most)g.")
                % {"name": name, "least": least, "most": most}
            )
    url = parameters.get("url", "")
    if url and not _remote(str(url)):
        raise CameraSettingsError(
            _("Parameter “url” must start with http:// or https:// and hold no password: use “token_env”.")
        )


def _remote(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in url
    except ValueError:
        return False


def _checked(key: str, value: Any) -> Any:
    """The value of a known setting. Raises CameraSettingsError."""
    if key == "engine" and value not in ("", *ENGINES):
        raise CameraSettingsError(
            _("Setting “engine” must be one of: %(names)s.") % {"names": ", ".join(ENGINES)}
        )
    if key == "loop" and not isinstance(value, bool):
        raise CameraSettingsError(_("Setting “loop” must be true or false."))
    if key in {"loop_pause", "retry_seconds"}:
        # For Python, true is a number.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_PAUSE:
            raise CameraSettingsError(
                _("Setting “%(key)s” must be a number of seconds from 0 to %(most)d.")
                % {"key": key, "most": MAX_PAUSE}
            )
        return float(value)
    if key == "lane_lines":
        return _checked_lines(value)
    return SourceOptions.read_from(value) if key == "source" else value


def _checked_lines(value: Any) -> tuple[Line, ...]:
    lines = [_line(line) for line in value] if isinstance(value, list) else [None]
    if None in lines:
        raise CameraSettingsError(
            _(
                "Setting “lane_lines” must be lines from left to right, each two points [x, y] or more at"
                " different heights, in shares of the picture from 0 to 1."
            )
        )
    return tuple(line for line in lines if line)


def _line(value: Any) -> Line | None:
    points = value if isinstance(value, list) and 2 <= len(value) <= MAX_LINE_POINTS else []
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        return None
    if not all(_is_share(share) for point in points for share in point):
        return None
    return tuple((x, y) for x, y in points) if len({y for _x, y in points}) > 1 else None


def _is_share(value: Any) -> bool:
    # For Python, true is a number.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _checked_option(key: str, value: Any) -> Any:
    if key == "transport":
        if value not in TRANSPORTS:
            raise CameraSettingsError(
                _("Option “transport” must be one of: %(names)s.") % {"names": ", ".join(TRANSPORTS)}
            )
        return value
    least = 0.0 if key in {"frozen", "poll"} else 0.5
    # For Python, true is a number.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= MAX_PAUSE:
        raise CameraSettingsError(
            _("Option “%(key)s” must be a number of seconds from %(least)g to %(most)d.")
            % {"key": key, "least": least, "most": MAX_PAUSE}
        )
    return float(value)


def validate_settings(value: object) -> None:
    """Settings that the product knows, of the right kind. Stricter than reading: a typing error is told."""
    try:
        CameraSettings.read(value)
    except CameraSettingsError as error:
        raise ValidationError(str(error)) from error
    if isinstance(value, Mapping):
        _refuse_unknown(value, CameraSettings.known())
        _refuse_unknown(value.get("source", {}), SourceOptions.known())


def _refuse_unknown(value: Mapping[str, Any], known: list[str]) -> None:
    if unknown := sorted(set(value) - set(known)):
        raise ValidationError(
            _("Unknown settings: %(unknown)s. Known: %(known)s."),
            params={"unknown": ", ".join(unknown), "known": ", ".join(known)},
        )
