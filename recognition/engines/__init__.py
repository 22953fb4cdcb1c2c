"""Engines: a picture goes in, plates come out.

`get_engine()` gives the default, "native". Engines are kept for the life of the process, since loading one
takes seconds; importing this package loads no model and no library of pixels.
"""

from recognition.engines.registry import DEFAULT_ENGINE, ENGINES, PARAMETERS, Engine, EngineError, get_engine

__all__ = ["DEFAULT_ENGINE", "ENGINES", "PARAMETERS", "Engine", "EngineError", "get_engine"]
