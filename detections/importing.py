"""Many passages from a file: a table (CSV) or one JSON object a line, plain or compressed (.gz).

Lines go in through `services.record`, in batches, each committed by itself. Repeating an import changes
nothing: a line without `event_id` gets one made of its content and its number, so that one that broke off is
run again from the top and passes quickly over what is stored.
"""

import csv
import gzip
import io
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.api.parsers import too_deep
from accounts.api.serializers import MAX_JSON_BYTES, keepable
from accounts.models import User
from cameras.models import Camera
from detections import services
from detections.models import Detection, Layout, Source
from detections.passages import NewPassage, first_refusal, times_taken

BATCH = 500
TEXTS = {
    "plate_number": 64,
    "layout": 8,
    "vehicle_type": 16,
    "vehicle_color": 50,
    "vehicle_brand": 100,
    "vehicle_model": 100,
    "direction": 16,
    "lane": 16,
}
"""Columns that are texts, and how long they may be."""
NUMBERS = ("confidence", "detection_confidence", "recognition_confidence")
JSONS: dict[str, type] = {"bounding_box": list, "tpms": list, "metadata": dict}
COLUMNS = ("event_id", "camera", "detected_at", *TEXTS, *NUMBERS, *JSONS)
"""Those of the API's ingest, without pictures."""
NEEDED = ("camera", "detected_at", "plate_number")
_LINES = uuid.UUID("3d9f2a54-6f7f-4a0e-9a86-0d7f5f3c0c11")
"""Name space of the event ids made of lines."""


class Problem(NamedTuple):
    """Why a line was refused: its number, the column ("": the line), a stable code, a sentence."""

    line: int
    column: str
    code: str
    message: str


class LineError(Exception):
    """A line cannot be taken."""

    def __init__(self, column: str, code: str, message: str) -> None:
        """What is wrong, and where."""
        super().__init__(message)
        self.column, self.code, self.message = column, code, message


class FileError(Exception):
    """The file as a whole cannot be read: no header, another encoding, damaged."""


class Line(NamedTuple):
    """A line that is not empty: its number and its values by column, or what is wrong with it."""

    number: int
    values: Mapping[str, Any] | LineError


@dataclass(slots=True)
class Progress:
    """How far an import is; `share` is the part of the file that was read, 0 to 1."""

    share: float = 0.0
    lines: int = 0
    created: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)
    """Of the last batch."""


# --- Reading ------------------------------------------------------------------------------------------------


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[str], IO[bytes]]]:
    """A file as text, and its raw bytes, whose place says how far one is. Raises OSError."""
    with path.open("rb") as raw:
        data: Any = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        with io.TextIOWrapper(data, "utf-8-sig", newline="") as text:
            yield text, raw


def lines_of(path: Path, text: IO[str], names: Mapping[str, str]) -> Iterator[Line]:
    """Lines in order; `names` maps the file's own column names to ours. Raises FileError."""
    suffixes = {suffix.lower() for suffix in path.suffixes}
    try:
        yield from _objects(text, names) if suffixes & {".jsonl", ".ndjson", ".json"} else _table(text, names)
    except UnicodeDecodeError as error:
        raise FileError(_("The file is not UTF-8: save it as “CSV UTF-8”.")) from error
    except (EOFError, gzip.BadGzipFile, csv.Error) as error:
        raise FileError(_("The file is damaged: %s.") % error) from error


def _table(text: IO[str], names: Mapping[str, str]) -> Iterator[Line]:
    head = text.readline()
    delimiter = max(";,\t", key=head.count)
    columns = [cell.strip().lower() for cell in next(csv.reader([head], delimiter=delimiter), [])]
    columns = [names.get(name, name) for name in columns]
    if "plate_number" not in columns or len(set(columns)) < len(columns):
        raise FileError(_("The first line must name the columns, each once, and one must be “plate_number”."))
    reader = csv.reader(text, delimiter=delimiter)
    number = 2
    for cells in reader:
        if len(cells) > len(columns):
            yield Line(number, LineError("", "too_many_cells", _("There are more cells than columns.")))
        elif any(cell.strip() for cell in cells):
            named = zip(columns, cells, strict=False)
            yield Line(number, {name: cell.strip() for name, cell in named if cell.strip()})
        number = reader.line_num + 2


def _objects(text: IO[str], names: Mapping[str, str]) -> Iterator[Line]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            values = None
        if isinstance(values, dict) and not too_deep(values):
            yield Line(number, {names.get(name, name): value for name, value in values.items()})
        else:
            yield Line(number, LineError("", "invalid", _("This line is not a JSON object.")))


# --- From a line to a passage -------------------------------------------------------------------------------


class Reader:
    """Makes passages of lines; looks cameras up once."""

    def __init__(self, *, camera: str = "", by: User | None = None) -> None:
        """`camera`: code of the camera of lines that name none."""
        self._cameras = {one.code: one for one in Camera.objects.all()}
        self._camera, self._by = camera, by

    def passage(self, line: Line) -> NewPassage:
        """The passage of a line. Raises LineError."""
        if isinstance(line.values, LineError):
            raise line.values
        values = {name: value for name, value in line.values.items() if value not in (None, "")}
        values.setdefault("camera", self._camera)
        for name, value in values.items():
            _check(name, value)
        for name in NEEDED:
            if not values.get(name):
                raise LineError(name, "required", _("It is missing."))
        camera = self._cameras.get(str(values["camera"]))
        if camera is None:
            raise LineError("camera", "unknown", _("No camera has this code."))
        fields: dict[str, Any] = {"confidence": 1.0}
        fields |= {name: str(values[name]) for name in TEXTS if name in values}
        fields |= {name: _number(name, values[name]) for name in NUMBERS if name in values}
        fields |= {name: _json(name, values[name]) for name in JSONS if name in values}
        return NewPassage(
            event_id=_event_id(line.number, values),
            camera=camera,
            detected_at=_moment(values["detected_at"]),
            source=Source.COMMAND,
            created_by=self._by,
            **fields,
        )


def _check(name: str, value: Any) -> None:
    if name not in COLUMNS:
        raise LineError(name, "unknown_column", _("Unknown column. Known: %s.") % ", ".join(COLUMNS))
    if not keepable(value if isinstance(value, str) else json.dumps(value)):
        raise LineError(name, "invalid", _("It holds characters that cannot be stored."))
    if name in TEXTS and len(str(value)) > TEXTS[name]:
        raise LineError(name, "too_long", _("It is longer than %d characters.") % TEXTS[name])
    if name == "layout" and value not in Layout.values:
        raise LineError(name, "invalid_choice", _("Known: %s.") % ", ".join(Layout.values))


def _event_id(number: int, values: Mapping[str, Any]) -> uuid.UUID:
    try:
        if "event_id" in values:
            return uuid.UUID(str(values["event_id"]))
    except ValueError as error:
        raise LineError("event_id", "invalid", _("This is not a UUID.")) from error
    content = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return uuid.uuid5(_LINES, f"{number} {content}")


def _moment(value: Any) -> datetime:
    """A time of ISO 8601; without offset it is Benin's."""
    try:
        found = parse_datetime(str(value))
        if found is not None:
            return found if timezone.is_aware(found) else timezone.make_aware(found)
    except (ValueError, OverflowError):
        pass
    raise LineError("detected_at", "invalid", _("This is not a date with its time (ISO 8601)."))


def _number(name: str, value: Any) -> float:
    try:
        return float(value.replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError) as error:
        raise LineError(name, "invalid", _("This is not a number.")) from error


def _json(name: str, value: Any) -> Any:
    try:
        found = json.loads(value) if isinstance(value, str) else value
        text = json.dumps(found, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (ValueError, RecursionError):
        found, text, size = None, "", 0
    kept = isinstance(found, JSONS[name]) and "\\u0000" not in text and size <= MAX_JSON_BYTES
    if not kept or too_deep(found):
        raise LineError(name, "invalid", _("This is not the JSON that belongs here."))
    return found


# --- Storing ------------------------------------------------------------------------------------------------


def import_file(
    path: Path, reader: Reader, *, names: Mapping[str, str], dry_run: bool = False
) -> Iterator[Progress]:
    """Read and store a file; how far it is after each batch. Raises FileError, OSError, database errors."""
    size = max(1, path.stat().st_size)
    progress = Progress()
    with opened(path) as (text, raw):
        lines = lines_of(path, text, names)
        while batch := list(islice(lines, BATCH)):
            progress.problems = []
            _take(batch, reader, progress, dry_run=dry_run)
            progress.lines += len(batch)
            progress.share = min(1.0, raw.tell() / size)
            yield progress


def _take(batch: Iterable[Line], reader: Reader, progress: Progress, *, dry_run: bool) -> None:
    numbers, passages = [], []
    for line in batch:
        try:
            passages.append(reader.passage(line))
            numbers.append(line.number)
        except LineError as error:
            progress.problems.append(Problem(line.number, error.column, error.code, error.message))
    (_rehearse if dry_run else _store)(numbers, passages, progress)


def _store(numbers: list[int], passages: list[NewPassage], progress: Progress) -> None:
    for number, outcome in zip(numbers, services.record(passages), strict=True):
        if outcome.refusal:
            refusal = outcome.refusal
            progress.problems.append(Problem(number, refusal.field, refusal.code, refusal.message))
        elif outcome.status == "created":
            progress.created += 1
        else:
            progress.known += 1


def _rehearse(numbers: list[int], passages: list[NewPassage], progress: Progress) -> None:
    stored = Detection.objects.filter(event_id__in=[passage.event_id for passage in passages])
    seen = set(stored.values_list("event_id", flat=True))
    taken = times_taken()
    for number, passage in zip(numbers, passages, strict=True):
        refusal = None if passage.event_id in seen else first_refusal(passage, None, taken)
        if refusal:
            progress.problems.append(Problem(number, refusal.field, refusal.code, refusal.message))
        elif passage.event_id in seen:
            progress.known += 1
        else:
            progress.created += 1
            seen.add(passage.event_id)
