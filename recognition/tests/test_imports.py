"""Heavy libraries are loaded only by the engines that need them: proven in fresh processes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"cv2", "torch", "torchvision", "ultralytics", "easyocr", "onnxruntime", "rapidocr", "av", "fastanpr"}
# What the interpreter itself loads, and hooks of setuptools in site-packages.
_START = {"__main__", "sitecustomize", "_distutils_hack"}
SERVER = {"django", "celery", "channels", "redis", "psycopg2"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in a process that ran the code."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["recognition.plates", "recognition.formats"])
def test_plates_and_formats_need_the_standard_library_only(module: str) -> None:
    code = f"from {module} import *\nfrom recognition.formats import match_formats\nmatch_formats('BB6232RB')"
    assert loaded_by(code) - {"recognition"} - set(sys.stdlib_module_names) <= _START


@pytest.mark.parametrize(
    "module",
    ["recognition", "recognition.engines", "recognition.tracking", "recognition.synthesis",
     "recognition.weights",
     "recognition.__main__", "recognition.engines.native", "recognition.engines.http",
     "recognition.engines.rapidocr", "recognition.engines.ultralytics",
     "recognition.engines.easyocr"],
)  # fmt: skip
def test_importing_loads_no_model_library_and_no_server(module: str) -> None:
    assert not loaded_by(f"import {module}") & (HEAVY | SERVER)


def test_checking_an_upload_needs_no_numpy() -> None:
    code = (
        "import io\nfrom PIL import Image\nfrom recognition.images import inspect_image\n"
        "out = io.BytesIO(); Image.new('RGB', (40, 30)).save(out, 'JPEG'); inspect_image(out.getvalue())"
    )
    assert "numpy" not in loaded_by(code)
    assert "numpy" not in loaded_by("import recognition.engines")


@pytest.mark.models
def test_the_default_engine_reads_without_torch() -> None:
    code = (
        "import numpy\nfrom recognition.engines import get_engine\n"
        "engine = get_engine(); engine.warm_up(); engine.find(numpy.zeros((64, 64, 3), numpy.uint8))"
    )
    assert not loaded_by(code) & {"torch", "torchvision", "ultralytics", "easyocr", "fastanpr"}
