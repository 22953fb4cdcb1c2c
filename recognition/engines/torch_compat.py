"""Getting torchvision and YOLO to run with the CPU build of torch, offline and quietly."""

import importlib.util
import logging
import os
import threading
import warnings
from pathlib import Path
from typing import Any

from PIL import Image

_lock = threading.Lock()
_libraries: list[Any] = []


def prepare_torchvision() -> None:
    """Declare the operators that torchvision lacks where its compiled part does not load.

    Importing torchvision fails without them ("operator torchvision::nms does not exist"), and ultralytics and
    easyocr import it; ultralytics calls nms, which `suppress_overlaps` then stands in for. Call this before
    the first import of either. Idempotent. Raises ImportError without torch and torchvision.
    """
    with _lock:
        if _libraries:
            return
        import torch

        if _compiled_part_loads(torch):
            return
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        # Kept for ever: an operator disappears with the library object that declared it.
        _libraries.append(library)
        import torchvision

        # torchvision's own function refuses to run without its compiled part, whatever is declared.
        torchvision.ops.nms = torchvision.ops.boxes.nms = suppress_overlaps


def suppress_overlaps(dets: Any, scores: Any, iou_threshold: float) -> Any:
    """Non-maximum suppression on tensors: indices of the boxes (N x 4: x1, y1, x2, y2) to keep, best first.

    A box goes when it overlaps a better one by more than `iou_threshold`.
    """
    import torch

    areas = (dets[:, 2] - dets[:, 0]).clamp(min=0) * (dets[:, 3] - dets[:, 1]).clamp(min=0)
    order = scores.argsort(descending=True)
    kept = []
    while order.numel() > 0:
        best, rest = order[0], order[1:]
        kept.append(best)
        low = torch.maximum(dets[best, :2], dets[rest, :2])
        high = torch.minimum(dets[best, 2:], dets[rest, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        order = rest[shared / (areas[best] + areas[rest] - shared).clamp(min=1e-9) <= iou_threshold]
    return torch.stack(kept) if kept else order


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
        opener = Image.open
        from ultralytics import YOLO

        # ultralytics puts its own function in the place of Pillow's for the whole process, which meets a file
        # that is no picture by trying to install more decoders.
        Image.open = opener
        logging.getLogger("ultralytics").setLevel(logging.WARNING)
        return YOLO(str(checkpoint))
