"""An engine that tells somebody what it saw and how long it took: for health figures and live pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from recognition.engines.registry import Engine
from recognition.types import RGB, PlateRead

Observer: TypeAlias = Callable[[RGB, Sequence[PlateRead], float], None]
"""Called with each picture, its reads, and the seconds of reading. What it raises ends the reading."""


class ObservedEngine:
    """Reads as another engine does (see `recognition.engines.Engine`), and tells its observers."""

    def __init__(self, engine: Engine, *observers: Observer) -> None:
        """Observers are called in this order, in the thread that reads."""
        self._engine = engine
        self._observers = observers
        self.name = engine.name
        self.version = engine.version

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """The plates of a picture, best first. See `Engine.find`."""
        started = time.perf_counter()
        reads = self._engine.find(image, thorough=thorough)
        spent = time.perf_counter() - started
        for observer in self._observers:
            observer(image, reads, spent)
        return reads

    def warm_up(self) -> None:
        """As the engine does; no observer hears of it."""
        self._engine.warm_up()
