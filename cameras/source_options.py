"""How a camera's source is read: transport, time-outs, and what counts as silent or frozen.

Apart from `cameras.sources`, so that the tables may check these options without loading a decoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from django.utils.translation import gettext_lazy as _

TRANSPORTS = ("tcp", "udp")
LONGEST = 3600.0
"""Most seconds that any of these options may say."""


class SourceOptionsError(ValueError):
    """Options of a kind that nothing can be done with; the message says which."""


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
        """The known ones of stored options. Raises SourceOptionsError."""
        if not isinstance(value, Mapping):
            raise SourceOptionsError(_("The options of the source must be an object: {...}."))
        return cls(**{key: _checked(key, value[key]) for key in cls.known() if key in value})

    @classmethod
    def known(cls) -> list[str]:
        """The names of those that may be stored."""
        return [one.name for one in fields(cls) if one.name != "tick"]


def _checked(key: str, value: Any) -> Any:
    if key == "transport":
        if value not in TRANSPORTS:
            raise SourceOptionsError(
                _("Option “transport” must be one of: %(names)s.") % {"names": ", ".join(TRANSPORTS)}
            )
        return value
    least = 0.0 if key in {"frozen", "poll"} else 0.5
    # For Python, true is a number.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= LONGEST:
        raise SourceOptionsError(
            _("Option “%(key)s” must be a number of seconds from %(least)g to %(most)d.")
            % {"key": key, "least": least, "most": LONGEST}
        )
    return float(value)
