"""Those who are compared: each reads the plate of a case, found by itself or in the place it is shown."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

import recognition
from benchmarks.recognition.cases import NOTHING, Case, Guess
from recognition.boxes import centre, corners, cut, padded
from recognition.characters import normalise
from recognition.engines import EngineError, get_engine
from recognition.engines.assembly import plate_lines, text_of
from recognition.engines.detector import OnnxDetector
from recognition.engines.pipeline import TextReader
from recognition.engines.plate_reader import MARGIN, PlateReader, straightened
from recognition.engines.versions import versions
from recognition.images import ImageError
from recognition.reading import TextLine, rank_spellings
from recognition.types import RGB, Box, Layout
from recognition.weights import WeightsError, detector_onnx, digest, network_path

#: Around a labelled box for readers that look for lines themselves, as the engine `rapidocr` does.
_PADDING = 0.2
#: A read is that of the plate when its middle lies in the plate's box grown by this.
_NEAR = 0.2
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class UnavailableError(Exception):
    """A contender that cannot run here; the message says what is missing."""


class Contender(Protocol):
    """Reads plates. `version` is what its answers depend on."""

    @property
    def version(self) -> str:
        """Versions of packages and weights."""

    def read(self, image: RGB, case: Case) -> Guess:
        """The text of the case's plate in its picture (decoded already)."""


class Engine:
    """One of the product's engines, which finds the plate in the whole picture itself."""

    def __init__(self, name: str, *, thorough: bool = True) -> None:
        """Load it as it is shipped, with one thread; `thorough` as for photographs, else as in streams."""
        self._thorough = thorough
        try:
            self._engine = get_engine(name, threads=1)
            self._engine.warm_up()
        except EngineError as error:
            raise UnavailableError(str(error)) from error
        self.version = f"{self._engine.version}{_shipped() if name == 'native' else ''}"

    def read(self, image: RGB, case: Case) -> Guess:
        """The read at the plate's place; in a picture of nothing else, the best."""
        try:
            reads = self._engine.find(image, thorough=self._thorough)
        except ImageError:
            return NOTHING
        if case.box is not None:
            reads = [read for read in reads if _is_at(read.box, case.box, image)]
        if not reads:
            return NOTHING
        best = reads[0]
        return Guess(best.text, best.raw_text, best.confidence, best.layout)


class NativeReader:
    """Our reader alone, shown the plate: its corners where the case has them, else its box."""

    def __init__(self) -> None:
        """Load it with one thread."""
        try:
            self._reader = PlateReader(network_path("reader"), threads=1)
        except WeightsError as error:
            raise UnavailableError(str(error)) from error
        self.version = f"{self._reader.version}{_shipped()}"

    def read(self, image: RGB, case: Case) -> Guess:
        """The text, weighed by formats as the engine does."""
        box = case.box or (0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
        margin = 0.0 if case.box is None else MARGIN
        [text] = self._reader.read([straightened(image, case.polygon or corners(box), margin=margin)])
        layout = "two_line" if text.two_line > 0.5 else "one_line"
        ranked = rank_spellings(text.spellings(), text.raw, colour=text.colour, layout=layout)
        return Guess(ranked.text, ranked.raw_text, ranked.confidence, layout)


class BoxReader:
    """A general reader, shown the plate's box with some ground around; lines are put in order by us."""

    def __init__(self, reader: TextReader, version: str) -> None:
        """Compare this reader."""
        self._reader = reader
        self.version = version

    def read(self, image: RGB, case: Case) -> Guess:
        """The text as the reader saw it."""
        return _shown(self._reader, image, case.box)


class FastanprRapid:
    """Packages at their best: fastanpr's plates, padded, read by RapidOCR; else the whole picture."""

    def __init__(self, *, threads: int = 1) -> None:
        """Load both."""
        from recognition.engines.rapid_reader import RapidReader

        self._detector = OnnxDetector(detector_onnx(), threads=threads)
        self._reader = RapidReader(threads=threads)
        self.version = versions("fastanpr", "rapidocr", "onnxruntime")

    def read(self, image: RGB, case: Case) -> Guess:
        """The text at the plate's place; in a picture of nothing else, that of the best box."""
        boxes = [found.box for found in self._detector.detect(image)]
        if case.box is not None:
            boxes = [box for box in boxes if _is_at(box, case.box, image)]
        if boxes:
            return _shown(self._reader, image, boxes[0])
        lines = self._reader.lines(image)
        if case.box is not None:
            lines = [line for line in lines if _is_at(line.span, case.box, image)]
        return _joined(plate_lines(lines))

    def read_all(self, image: RGB) -> list[Guess]:
        """Every plate of a picture, for timing."""
        return [_shown(self._reader, image, found.box) for found in self._detector.detect(image)]


class Tesseract:
    """Debian's tesseract, called as its wrappers do: one process a picture, told which characters exist."""

    def __init__(self) -> None:
        """Find the program."""
        if shutil.which("tesseract") is None:
            raise UnavailableError("tesseract is not installed: apt-get install tesseract-ocr")
        done = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)
        self.version = (done.stdout or done.stderr).splitlines()[0]

    def read(self, image: RGB, case: Case) -> Guess:
        """The text of one line or of a block (it is told which), enlarged to the size of print."""
        import cv2

        crop = image if case.box is None else cut(image, case.box)
        scale = 160 / crop.shape[0]
        size = (max(1, round(crop.shape[1] * scale)), 160)
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        data = cv2.imencode(".png", crop[:, :, ::-1])[1].tobytes()
        mode = "7" if case.layout == "one_line" else "6"
        command = [
            "tesseract",
            "stdin",
            "stdout",
            "--psm",
            mode,
            "-c",
            f"tessedit_char_whitelist={_ALPHABET}",
        ]
        done = subprocess.run(
            command, input=data, capture_output=True, check=False,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )  # fmt: skip
        text = normalise(done.stdout.decode(errors="replace"))
        return Guess(text, text, 0.0, case.layout)


class Entry(NamedTuple):
    """A contender by name: how it is called in the tables, how it is made, whether it is ours."""

    title: str
    make: Callable[[], Contender]
    ours: bool = False


def _rapid() -> Contender:
    from recognition.engines.rapid_reader import RapidReader

    return BoxReader(RapidReader(threads=1), f"rapidocr {version('rapidocr')}")


def _easy() -> Contender:
    import torch

    from recognition.engines.easyocr import EasyReader

    torch.set_num_threads(1)
    return BoxReader(EasyReader(), f"easyocr {version('easyocr')}")


CONTENDERS: Mapping[str, Entry] = {
    "native": Entry("native, as for photographs", lambda: Engine("native"), ours=True),
    "native-stream": Entry(
        "native, one pass as in streams", lambda: Engine("native", thorough=False), ours=True
    ),
    "native-box": Entry("native's reader alone on the given box", NativeReader, ours=True),
    "fastanpr-rapidocr": Entry("fastanpr + RapidOCR (padded 20 %, whole-picture fallback)", FastanprRapid),
    "rapidocr-box": Entry("RapidOCR on the given box", _rapid),
    "easyocr-box": Entry("EasyOCR on the given box", _easy),
    "tesseract-box": Entry("tesseract on the given box", Tesseract),
}


@cache
def contender(name: str) -> Contender:
    """The process's contender of that name. Raises UnavailableError."""
    try:
        return CONTENDERS[name].make()
    except (ImportError, WeightsError) as error:
        raise UnavailableError(str(error)) from error


def _shown(reader: TextReader, image: RGB, box: Box | None) -> Guess:
    """What a general reader makes of the box with some ground around, or of the whole picture."""
    height, width = image.shape[:2]
    wide = image if box is None else cut(image, padded(box, _PADDING, width, height))
    chosen = plate_lines(reader.lines(wide))
    if chosen is None:
        return _joined(((reader.line(image if box is None else cut(image, box)),), "one_line"))
    return _joined(chosen)


def _joined(chosen: tuple[tuple[TextLine, ...], Layout] | None) -> Guess:
    if chosen is None:
        return NOTHING
    lines, layout = chosen
    text = text_of(lines)
    return Guess(text, text, min((line.confidence for line in lines), default=0.0), layout)


def _is_at(found: Box, box: Box, image: RGB) -> bool:
    x1, y1, x2, y2 = padded(box, _NEAR, image.shape[1], image.shape[0])
    x, y = centre(found)
    return x1 <= x <= x2 and y1 <= y <= y2


@cache
def _shipped() -> str:
    """Digests of our networks and of the code around them, both of which change more often than versions."""
    try:
        networks = [digest(network_path(name)) for name in ("detector", "reader")]
    except WeightsError as error:
        return f", {error}"
    package = Path(recognition.__file__).parent
    code = hashlib.sha256()
    for path in sorted([*package.glob("*.py"), *package.glob("*.json"), *package.glob("engines/*.py")]):
        code.update(path.read_bytes())
    return ", ".join(["", *(one[:12] for one in networks), f"code {code.hexdigest()[:12]}"])
