"""Getting torchvision and YOLO to run with the CPU build of torch, offline and quietly."""

import importlib.util
import logging
import os
import threading
import warnings
from pathlib import Path
from typing import Any

_lock = threading.Lock()
_libraries: list[Any] = []


def prepare_torchvision() -> None:
    """Declare the operator torchvision::nms where torchvision's compiled part does not load.

    Importing torchvision fails without it ("operator torchvision::nms does not exist"); ultralytics and
    easyocr import torchvision, but neither calls the compiled version on the way we use them. Call it before
    the first import of either. Idempotent. Raises ImportError without torch and torchvision.
    """
    with _lock:
        if _libraries:
            return
        import torch

        if _compiled_part_loads(torch):
            return
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        # Kept for ever: an operator disappears with the library object that declared it.
        _libraries.append(library)


def _compiled_part_loads(torch: Any) -> bool:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'torchvision'")
    for compiled in Path(spec.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(str(compiled))
        except OSError:
            return False
        return True
    return False


def load_yolo(checkpoint: Path) -> Any:
    """An ultralytics YOLO on the CPU from a checkpoint, without network, auto-installs or settings at home.

    Raises ImportError when torch or ultralytics is not installed.
    """
    from recognition.weights import weights_dir

    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    settings = weights_dir() / "ultralytics"
    settings.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(settings))
    with warnings.catch_warnings():
        # Deprecations inside third-party code, which we can neither mend nor show to anyone.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        prepare_torchvision()
        from ultralytics import YOLO

        logging.getLogger("ultralytics").setLevel(logging.WARNING)
        return YOLO(str(checkpoint))
