"""Many cameras at once, from a table (CSV) or from JSON: all of them or none."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts.api.parsers import too_deep
from accounts.api.serializers import keepable
from accounts.models import User
from cameras import services
from cameras.addresses import unmasked
from cameras.forms import CameraForm
from cameras.models import Camera, ModelConfig

COLUMNS: tuple[str, ...] = tuple(CameraForm.Meta.fields)
ADDRESSES = ("stream_url", "rtsp_url")
_TRUE = {"1", "true", "yes", "oui", "vrai", "x"}
_FALSE = {"0", "false", "no", "non", "faux"}


class Row(NamedTuple):
    """A camera of the file: where it stands there, and its values by column."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in which line; `column` is "" where it is the line as a whole."""

    line: int
    column: str
    message: str


class ImportRefusedError(Exception):
    """Nothing was written; `problems` says why, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        """At least one problem."""
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass(slots=True)
class Outcome:
    """How many cameras were new, changed, and as they are already."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


def read_rows(path: Path) -> list[Row]:
    """The cameras of a file: CSV (UTF-8; comma, semicolon or tab), or a list of objects in a .json.

    An empty cell of a table says nothing about its column. Raises ImportRefusedError, and OSError.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(1, _("The file is not UTF-8: save it as “CSV UTF-8”.")) from error
    rows = list(_objects(text) if path.suffix.lower() == ".json" else _table(text))
    problems = [Problem(*one) for row in rows for one in _unusable(row)]
    if problems:
        raise ImportRefusedError(problems)
    return rows


@transaction.atomic
def import_cameras(rows: Iterable[Row], *, by: User | None = None, dry_run: bool = False) -> Outcome:
    """Add cameras whose code is new and change the others, each with its audit row; columns not given stay.

    Raises ImportRefusedError with every problem of the file; then nothing was written.
    """
    outcome, problems, seen = Outcome(), list[Problem](), dict[str, int]()
    models_by_name = {model.name: model for model in ModelConfig.objects.all()}
    for row in rows:
        code = str(row.values.get("code") or "").strip()
        if code in seen:
            problems.append(Problem(row.line, "code", _("It is in line %d already.") % seen[code]))
        elif not code:
            problems.append(Problem(row.line, "code", _("Each camera needs its code.")))
        else:
            seen[code] = row.line
            problems += _written(row, code, models_by_name, by, outcome)
    if problems:
        raise ImportRefusedError(problems)
    if dry_run:
        transaction.set_rollback(True)
    return outcome


def _refused(line: int, message: str, column: str = "") -> ImportRefusedError:
    return ImportRefusedError([Problem(line, column, message)])


def _unusable(row: Row) -> Iterator[tuple[int, str, str]]:
    for name, value in row.values.items():
        if name not in COLUMNS:
            yield row.line, name, _("Unknown column. Known: %s.") % ", ".join(COLUMNS)
        elif isinstance(value, str) and not keepable(value):
            yield row.line, name, _("It holds characters that cannot be stored.")


def _table(text: str) -> Iterator[Row]:
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(";,\t", key=head.count), strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        if "code" not in columns or len(set(columns)) < len(columns):
            raise _refused(1, _("The first line must name the columns, each once, and one must be “code”."))
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) > len(columns):
                    raise _refused(line, _("There are more cells than columns."))
                named = zip(columns, cells, strict=False)
                yield Row(line, {name: cell.strip() for name, cell in named if cell.strip()})
            line = reader.line_num + 1
    except csv.Error as error:
        raise _refused(reader.line_num, _("This is not a table: %s.") % error) from error


def _objects(text: str) -> Iterator[Row]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise _refused(error.lineno, _("This is not JSON: %s.") % error.msg) from error
    except RecursionError as error:
        raise _refused(1, _("The JSON is nested too deep.")) from error
    if not isinstance(found, list) or too_deep(found):
        raise _refused(1, _("A list of cameras is needed: [{“code”: ...}, ...]."))
    for number, values in enumerate(found, start=1):
        if not isinstance(values, dict):
            raise _refused(number, _("Each camera must be an object: {...}."))
        yield Row(number, values)


def _written(
    row: Row, code: str, models_by_name: Mapping[str, ModelConfig], by: User | None, outcome: Outcome
) -> list[Problem]:
    """Write one camera and count it; or what is wrong with it."""
    stored = Camera.objects.filter(code=code).first()
    values, problems = dict[str, Any](), list[Problem]()
    for name, raw in row.values.items():
        try:
            values[name] = _value(name, raw, stored, models_by_name)
        except ValidationError as error:
            problems += [Problem(row.line, name, message) for message in error.messages]
    if problems:
        return problems
    try:
        if stored is None:
            services.create_config(Camera(**values), by=by)
            outcome.created += 1
        elif services.change_config(stored, changes=values, by=by).revision > stored.revision:
            outcome.changed += 1
        else:
            outcome.unchanged += 1
    except ValidationError as error:
        return [Problem(row.line, *one) for one in _told(error)]
    except services.ConflictError:
        return [Problem(row.line, "", _("Another camera has its name or code."))]
    return []


def _told(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Column and message of each error."""
    fields = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, messages in fields.items():
        yield from ((name if name in COLUMNS else "", message) for message in messages)


def _value(name: str, raw: Any, stored: Camera | None, models_by_name: Mapping[str, ModelConfig]) -> Any:
    """What a cell means for its column. Raises ValidationError."""
    if name in ADDRESSES:
        return unmasked(str(raw or "").strip(), getattr(stored, name, ""))
    if name == "model":
        return _model(raw, models_by_name)
    if isinstance(raw, float):
        # By what is written: 6.64 has two decimals, not fifty.
        raw = str(raw)
    if not isinstance(raw, str):
        return raw
    if name == "plate_formats":
        return raw.upper().replace(",", " ").replace(";", " ").split()
    field = _field(name)
    if isinstance(field, models.BooleanField):
        return _truth(raw)
    if isinstance(field, models.FloatField | models.DecimalField):
        # As tables are written in French.
        raw = raw.replace(",", ".")
    if isinstance(field, models.JSONField):
        return _json(raw)
    return field.to_python(_choice(field, raw))


def _field(name: str) -> models.Field[Any, Any]:
    field = Camera._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise FieldDoesNotExist(name)
    return field


def _choice(field: models.Field[Any, Any], raw: str) -> str:
    """A choice by its name in the language of the reader, too."""
    names = {str(label).lower(): str(value) for value, label in field.flatchoices}
    return names.get(raw.lower(), raw)


def _model(raw: Any, models_by_name: Mapping[str, ModelConfig]) -> ModelConfig | None:
    if raw in (None, ""):
        return None
    if str(raw) not in models_by_name:
        known = ", ".join(models_by_name) or "-"
        raise ValidationError(_("No recognition model of this name. Known: %s.") % known)
    return models_by_name[str(raw)]


def _truth(raw: str) -> bool:
    if raw.lower() not in _TRUE | _FALSE:
        raise ValidationError(_("Write yes or no."))
    return raw.lower() in _TRUE


def _json(raw: str) -> Any:
    try:
        value = json.loads(raw)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValidationError(_("This is not JSON: %s.") % type(error).__name__) from error
    if too_deep(value):
        raise ValidationError(_("The JSON is nested too deep."))
    return value
