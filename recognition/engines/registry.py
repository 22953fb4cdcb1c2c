"""Which engines there are, and the one instance of each that a process keeps."""

from __future__ import annotations

import difflib
import importlib
import threading
from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from recognition.weights import WeightsError

if TYPE_CHECKING:
    from recognition.types import RGB, PlateRead


class EngineError(Exception):
    """An engine that does not exist or cannot start here; the message says what to do."""


class Engine(Protocol):
    """Finds and reads the plates of one picture. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """The name under which `get_engine` knows it."""

    @property
    def version(self) -> str:
        """What its results depend on: versions of libraries and weights."""

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """The plates in the picture (H x W x 3, RGB, 8 bits), best first; [] when there is none.

        `thorough` also searches the whole picture for text where the plate detector found nothing
        readable: right for single photographs, too slow for every frame of a stream. Raises ImageError
        when the array is not such a picture.
        """

    def warm_up(self) -> None:
        """Load everything and run once, so that the first real picture is as fast as the rest."""


DEFAULT_ENGINE = "native"

#: Name of each engine and the module whose `build(**parameters)` makes it.
ENGINES: Mapping[str, str] = MappingProxyType(
    {
        "native": "recognition.engines.native",
        "rapidocr": "recognition.engines.rapidocr",
        "ultralytics": "recognition.engines.ultralytics",
        "easyocr": "recognition.engines.easyocr",
        "http": "recognition.engines.http",
    }
)

_LOCAL = ("min_confidence", "image_size", "threads")
#: Name of each engine and the parameters that its `build` takes; known without loading it.
PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(ENGINES, _LOCAL)
    | {
        "native": (*_LOCAL, "weights", "weights_digest"),
        "http": ("url", "timeout", "token_env", "min_confidence"),
    }
)

_engines: dict[tuple[str, frozenset[tuple[str, Hashable]]], Engine] = {}
_lock = threading.Lock()


def get_engine(name: str = DEFAULT_ENGINE, **parameters: Hashable) -> Engine:
    """The process's engine of that name and those parameters, made at the first call. Thread-safe.

    All engines take `min_confidence` (0..1, reads below are dropped); those that run here also `image_size`
    (longest side given to the detector, pixels) and `threads`; "native" takes `weights`, a folder of networks
    below ANPR_WEIGHTS_DIR, and `weights_digest`, which they must have; for those of "http" see its `build`.
    Raises EngineError: unknown name or parameter, package or weights missing.
    """
    if name not in ENGINES:
        close = difflib.get_close_matches(name, ENGINES, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known engines: {', '.join(ENGINES)}."
        raise EngineError(f"There is no engine {name!r}. {hint}")
    if unknown := sorted(set(parameters) - set(PARAMETERS[name])):
        raise EngineError(
            f"Engine {name!r} has no parameters {', '.join(unknown)}. It takes {', '.join(PARAMETERS[name])}."
        )
    if wrong := sorted(key for key, value in parameters.items() if not isinstance(value, str | int | float)):
        raise EngineError(f"Parameters {', '.join(wrong)} of engine {name!r} must be texts or numbers.")
    key = (name, frozenset(parameters.items()))
    with _lock:
        if key not in _engines:
            _engines[key] = _build(name, parameters)
        return _engines[key]


def _build(name: str, parameters: Mapping[str, Hashable]) -> Engine:
    try:
        return cast(Engine, importlib.import_module(ENGINES[name]).build(**parameters))
    except ImportError as error:
        raise EngineError(f"Engine {name!r} needs a package that is not installed: {error}") from error
    except WeightsError as error:
        raise EngineError(f"Engine {name!r} has no weights. {error}") from error
    except TypeError as error:
        raise EngineError(f"Engine {name!r} was given wrong parameters: {error}") from error
