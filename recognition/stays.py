"""How long vehicles stand in the parking zones of a camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from recognition.track import Track
from recognition.types import Point
from recognition.zones import Zones

#: Seconds in the zone from which on a vehicle is parked rather than driving through.
_PARKED = 10.0
#: A stay is told again after so many seconds, so that little of it is lost with the power.
_TOLD_EVERY = 60.0
#: Unseen in the zone for so many seconds while it is seen elsewhere, the vehicle has left it.
_LEFT = 5.0


@dataclass(frozen=True, slots=True)
class Stay:
    """A vehicle stands in a parking zone since `since`, and was last seen there at `until`.

    `passage_id` and `captured_at` are those of its passage. Told again while it stands: the latest counts.
    """

    passage_id: UUID
    captured_at: datetime
    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        """How long it stood there by now."""
        return (self.until - self.since).total_seconds()


OnStay: TypeAlias = Callable[[Stay], None]


@dataclass(slots=True)
class _Span:
    since: datetime
    until: datetime
    told: datetime

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


class Stays:
    """The stays of one camera's vehicles, told of to `on_stay` once their passage was given out."""

    def __init__(self, zones: Zones, on_stay: OnStay | None) -> None:
        """Without somebody to tell, or without parking zones, nothing is kept."""
        self._zones = zones if on_stay else Zones()
        self._on_stay = on_stay
        self._spans: dict[Track, _Span] = {}

    def see(self, track: Track, place: Point, at: datetime) -> None:
        """The vehicle is at that place, in shares of the picture."""
        span = self._spans.get(track)
        if self._zones.parks(place):
            span = self._spans.setdefault(track, _Span(at, at, at))
        elif span is None or (at - span.until).total_seconds() <= _LEFT:
            return
        else:
            self.end(track)
            return
        self._go_on(track, span, at)

    def remain(self, track: Track, at: datetime) -> None:
        """The vehicle has not moved since it was last seen."""
        if span := self._spans.get(track):
            self._go_on(track, span, at)

    def end(self, track: Track) -> None:
        """The vehicle has left, or nobody looks any more."""
        if span := self._spans.pop(track, None):
            self._tell(track, span)

    def parked(self, track: Track) -> bool:
        """Whether it stands in a parking zone: for long enough, and still when it was last seen."""
        span = self._spans.get(track)
        return span is not None and track.stands and span.seconds >= _PARKED

    def _go_on(self, track: Track, span: _Span, at: datetime) -> None:
        span.until = at
        if (at - span.told).total_seconds() >= _TOLD_EVERY:
            span.told = at
            self._tell(track, span)

    def _tell(self, track: Track, span: _Span) -> None:
        if self._on_stay and track.captured_at and span.seconds >= _PARKED:
            self._on_stay(Stay(track.passage_id, track.captured_at, span.since, span.until))
