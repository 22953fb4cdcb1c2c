"""`manage.py run_camera CAMERA|ADDRESS|FILE`: read one source in the foreground and print its passages."""

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cameras.addresses import validate_source
from cameras.models import Camera
from cameras.options import CameraSettingsError
from cameras.sources import SourceError
from cameras.workers import read_now, stopping
from detections import services
from detections.models import Source
from detections.reading import new_passage, read_camera
from recognition.engines import EngineError
from recognition.types import RGB, Passage, PlateRead

WINDOW = 50
"""Frames over which rate and time of reading are told."""


class Progress:
    """A line on the terminal: frames a second, milliseconds a frame, passages."""

    def __init__(self, stream: Any) -> None:
        """On a terminal the line is written over itself every second; elsewhere there is one every ten."""
        self._stream = stream
        self._over = stream.isatty()
        self._every = 1.0 if self._over else 10.0
        self._read: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._told = time.monotonic()
        self.passages = 0

    def __call__(self, _image: RGB, _reads: Sequence[PlateRead], seconds: float) -> None:
        """A picture was read (see `recognition.engines.observed`)."""
        self._read.append((time.monotonic(), seconds))
        if time.monotonic() - self._told >= self._every:
            self.tell()

    def tell(self) -> None:
        """Write the line now."""
        self._told = time.monotonic()
        first, last = (self._read[0][0], self._read[-1][0]) if self._read else (0.0, 0.0)
        rate = (len(self._read) - 1) / (last - first) if last > first else 0.0
        spent = 1000 * sum(seconds for _, seconds in self._read) / max(1, len(self._read))
        line = f"{rate:5.1f} frames/s  {spent:5.0f} ms a frame  {self.passages} passages"
        self._stream.write(f"\r{line}" if self._over else f"{line}\n")
        self._stream.flush()

    def end(self) -> None:
        """The last line."""
        if self._read:
            self.tell()
            self._stream.write("\n" if self._over else "")

    def clear(self) -> None:
        """Make room for another line."""
        if self._over:
            self._stream.write("\r\x1b[K")


class Command(BaseCommand):
    """Passages go to the standard output, one a line, as they come; progress to the standard error."""

    help = (
        "Read a camera in the foreground, as a worker does: it takes the camera for itself and stores the "
        "passages. Of an address or a file nothing is stored without --store-as. Ctrl-C ends it in order."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to read, and what becomes of it."""
        add = parser.add_argument
        add(
            "source",
            metavar="CAMERA|ADDRESS|FILE",
            help="a camera by its code, name or number, or anything else",
        )
        add("--store-as", metavar="CODE", help="store what an address or a file shows as this camera's")
        add("--dry-run", action="store_true", help="read beside the camera's worker, store nothing")
        add("--fps", type=float, help="frames to read a second, where the camera does not say")

    def handle(self, *, source: str, store_as: str | None, dry_run: bool, **options: Any) -> None:
        """Read until the source ends or somebody ends it."""
        self._progress = Progress(sys.stderr)
        known = Camera.objects.named(source)
        take = known is not None and not dry_run and not store_as
        if options["fps"] is not None and not 0 < options["fps"] <= 60:
            raise CommandError("--fps: more than 0, at most 60.")
        if take and options["fps"]:
            raise CommandError("--fps: a camera is read as it is configured, but for a --dry-run.")
        try:
            with _ended_by_signals():
                if known and take:
                    self._take(known)
                else:
                    camera = self._other(source, known, store_as, options["fps"])
                    self._look(camera, store=bool(store_as) and not dry_run)
        except (SourceError, EngineError, CameraSettingsError) as error:
            raise CommandError(str(error)) from error
        finally:
            self._progress.end()

    def _take(self, camera: Camera) -> None:
        """As a worker: with the lease."""
        if not read_camera(camera.pk, told=self._print, observers=[self._progress]):
            raise CommandError(f"A worker reads {camera.code}, or it rests: --dry-run reads beside it.")
        camera.refresh_from_db()
        if camera.status_reason and not stopping.is_set():
            self.stderr.write(f"{camera.code}: {camera.status_reason}")

    def _other(self, source: str, known: Camera | None, store_as: str | None, fps: float | None) -> Camera:
        """What is to be read, as a camera; it is not stored."""
        camera = Camera.objects.named(store_as) if store_as else known or Camera(code="-", name="-")
        if camera is None:
            raise CommandError(f"No camera {store_as!r}.")
        if known is None or store_as:
            address = Path(source).resolve().as_uri() if Path(source).exists() else source
            try:
                validate_source(address)
            except ValidationError as error:
                raise CommandError(f"No camera, address or file: {' '.join(error.messages)}") from error
            camera.rtsp_url, camera.stream_url = "", address
        camera.fps = fps or camera.fps
        return camera

    def _look(self, camera: Camera, *, store: bool) -> None:
        """Without the lease."""
        with closing(read_now(camera, self._failed, observers=[self._progress])) as passages:
            for passage in passages:
                if store:
                    new = new_passage(passage, camera=camera, source=Source.COMMAND)
                    services.record_one(new, give_up=stopping)
                self._print(passage)

    def _failed(self, error: SourceError, wait: float) -> None:
        self._progress.clear()
        self.stderr.write(f"{error} Tried again in {wait:.0f} s.")

    def _print(self, passage: Passage) -> None:
        self._progress.passages += 1
        self._progress.clear()
        read = passage.read
        self.stdout.write(
            f"{passage.captured_at:%Y-%m-%d %H:%M:%S}  {read.text:<12}{read.confidence:5.2f}"
            f"  {passage.reads} reads  {passage.vehicle_type or '-'}  {passage.direction or '-'}"
        )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM let the passage in hand be finished; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(number, former[signal.Signals(number)])

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
