"""How long to wait before a source that failed is tried again."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cameras.sources.errors import Fault


class Pace(NamedTuple):
    """Seconds after the first failure, and at most."""

    first: float
    most: float


USUAL = Pace(1.0, 20.0)
CAREFUL = Pace(30.0, 300.0)
"""After a refused password: cameras lock an account out that is tried often, for its owner too."""


@dataclass(slots=True)
class Backoff:
    """Waits that double with every failure in a row, each shortened by chance up to half.

    Chance keeps cameras that failed together, as behind one switch, from being tried together. Only a source
    that lasted for `steady` seconds begins anew: one that dies of every connection is dead all the same.
    """

    usual: Pace = USUAL
    steady: float = 30.0
    chance: Callable[[], float] = random.random
    failures: int = 0

    def failed(self, fault: Fault = Fault.OTHER, *, lasted: float = 0.0) -> float:
        """Seconds to wait now; `lasted`: for how long the source gave pictures before."""
        if lasted >= self.steady:
            self.failures = 0
        pace = self._pace(fault)
        # Beyond 2 ** 30 nothing changes, and floats overflow at last.
        longest = min(pace.most, pace.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return longest * (1 - self.chance() / 2)

    def rest(self, fault: Fault, *, dead: float) -> float:
        """Seconds to leave a camera alone that gave no picture for `dead` seconds: about as long again.

        For whoever does not know how often it failed, as after another worker has tried it.
        """
        pace = self._pace(fault)
        return min(pace.most, max(pace.first, dead)) * (1 - self.chance() / 2)

    def _pace(self, fault: Fault) -> Pace:
        return CAREFUL if fault is Fault.PASSWORD else self.usual
