"""Settings of a camera and parameters of an engine: what is known, and what is refused with its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from recognition.engines import ENGINES, PARAMETERS

MAX_PAUSE = 3600
"""Most seconds that a camera's settings may let it wait."""

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
class CameraSettings:
    """What `Camera.settings` may hold.

    `engine` reads this camera instead of the usual one, with `engine_parameters` (see
    `recognition.engines.PARAMETERS`); a video file is played again (`loop`) after `loop_pause` seconds; a
    source that failed is tried again after `retry_seconds`.
    """

    engine: str = ""
    loop: bool = False
    loop_pause: float = 0.0
    retry_seconds: float = 10.0
    engine_parameters: Mapping[str, str | float] = field(default_factory=dict)

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
    return value


def validate_settings(value: object) -> None:
    """Settings that the product knows, of the right kind. Stricter than reading: a typing error is told."""
    try:
        CameraSettings.read(value)
    except CameraSettingsError as error:
        raise ValidationError(str(error)) from error
    unknown = sorted(set(value) - set(CameraSettings.known())) if isinstance(value, Mapping) else []
    if unknown:
        raise ValidationError(
            _("Unknown settings: %(unknown)s. Known: %(known)s."),
            params={"unknown": ", ".join(unknown), "known": ", ".join(CameraSettings.known())},
        )
