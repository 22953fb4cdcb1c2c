"""Plate detector of the package fastanpr and text networks of RapidOCR, all on onnxruntime."""

from recognition.engines.detector import OnnxDetector
from recognition.engines.pipeline import PlateEngine
from recognition.engines.rapid_reader import RapidReader
from recognition.engines.versions import versions
from recognition.weights import detector_onnx


def build(*, min_confidence: float = 0.3, image_size: int = 640, threads: int = 1) -> PlateEngine:
    """Make the engine; the parameters are those of `recognition.engines.get_engine`."""
    return PlateEngine(
        "rapidocr",
        versions("rapidocr", "fastanpr", "onnxruntime"),
        OnnxDetector(detector_onnx(), image_size=image_size, threads=threads),
        RapidReader(threads=threads),
        min_confidence=min_confidence,
    )
