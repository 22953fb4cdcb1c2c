"""`manage.py read PHOTO|CLIP --camera X`: read a file as if the camera had seen it, and store it."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cameras.models import Camera
from cameras.options import CameraSettingsError
from cameras.sources import PHOTO_SUFFIXES, SourceError
from cameras.workers import engine_of, read_all
from detections import services
from detections.models import Source
from detections.reading import as_dict, new_passage
from recognition.engines import EngineError
from recognition.images import ImageError, open_image
from recognition.tracking import read_photo
from recognition.types import Passage


class Command(BaseCommand):
    """Prints a table of reads, or with --json a list of objects."""

    help = "Read the plates of a photo or a clip, store the passages and print them."

    def add_arguments(self, parser: CommandParser) -> None:
        """File, camera, output."""
        parser.add_argument("file", type=Path, metavar="PHOTO|CLIP")
        parser.add_argument("--camera", required=True, help="code, name or number of the camera")
        parser.add_argument("--json", action="store_true", help="print a list of objects")
        parser.add_argument("--dry-run", action="store_true", help="read only, store nothing")

    def handle(self, *, file: Path, camera: str, **options: Any) -> None:
        """Read, store, print."""
        found = self._passages(self._camera(camera), file)
        rows = [self._row(passage, self._camera(camera), store=not options["dry_run"]) for passage in found]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            self._table(rows)

    def _camera(self, wanted: str) -> Camera:
        camera = Camera.objects.named(wanted)
        if camera is None:
            known = ", ".join(Camera.objects.values_list("code", flat=True)[:20]) or "none yet"
            raise CommandError(f"No camera {wanted!r}. Known: {known}.")
        return camera

    def _passages(self, camera: Camera, file: Path) -> list[Passage]:
        if not file.is_file():
            raise CommandError(f"No file {file}.")
        try:
            if file.suffix.lower() in PHOTO_SUFFIXES:
                engine = engine_of(camera)
                return read_photo(open_image(file.read_bytes()), timezone.now(), engine)
            camera.rtsp_url, camera.stream_url = "", file.resolve().as_uri()
            return list(read_all(camera))
        except (ImageError, SourceError, EngineError, CameraSettingsError) as error:
            raise CommandError(f"{file}: {error}") from error

    def _row(self, passage: Passage, camera: Camera, *, store: bool) -> dict[str, Any]:
        row = {**as_dict(passage.read), "detected_at": passage.captured_at.isoformat(), "stored": "no"}
        if store:
            [outcome] = services.record([new_passage(passage, camera=camera, source=Source.COMMAND)])
            row["stored"] = outcome.refusal.message if outcome.refusal else outcome.status
            row["id"] = outcome.detection_id
        return row

    def _table(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            self.stdout.write("No plate found.")
            return
        self.stdout.write(f"{'plate':<18}{'confidence':>10}  {'layout':<10}{'seen at':<34}stored")
        for row in rows:
            self.stdout.write(
                f"{row['text']:<18}{row['confidence']:>10.2f}  {row['layout']:<10}"
                f"{row['detected_at']:<34}{row['stored']}"
            )
