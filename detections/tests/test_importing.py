"""Imports: every line is stored once or told, however often the command is run and whatever kills it."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone, translation

from accounts.models import User
from cameras.models import Camera
from deploy.embedded import REPOSITORY
from detections import importing, services
from detections.models import DataKind, Detection
from detections.retention import rules

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(microsecond=0)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A line."""
    moment = (NOW - timedelta(minutes=number)).isoformat()
    fields = {"camera": "seme-krake-1", "plate_number": f"AB {number:04} RB", "detected_at": moment}
    return fields | {"confidence": 0.9} | changes


def table(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    """A CSV file."""
    columns = list(dict.fromkeys(name for one in rows for name in one))
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(path: Path, *options: str) -> str:
    """The command; what it said."""
    told = io.StringIO()
    call_command("import_detections", str(path), *options, stdout=told, stderr=io.StringIO())
    return told.getvalue()


def problems(path: Path) -> list[tuple[str, str, str]]:
    """Line, column and code of each refused line."""
    with path.with_name(f"{path.name}.errors.csv").open(encoding="utf-8") as file:
        return [(one["line"], one["column"], one["code"]) for one in csv.DictReader(file)]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "b.jsonl", "b.ndjson.gz"])
def test_every_kind_of_file_is_taken_once(tmp_path: Path, camera: Camera, name: str) -> None:
    path = tmp_path / name
    rows = [row(number, vehicle_type="motorcycle", layout="two_line") for number in range(12)]
    if ".csv" in name:
        table(path, rows, delimiter=";" if name == "a.csv" else ",")
    else:
        opened: Any = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wt", encoding="utf-8") as file:
            file.write("\n".join(json.dumps(one | {"metadata": {"post": "Sèmè"}}) for one in rows) + "\n\n")
    assert "12 lines: 12 passages new, 0 known already, 0 refused." in run(path)
    assert "12 lines: 0 passages new, 12 known already, 0 refused." in run(path)
    assert Detection.objects.count() == 12
    newest = Detection.objects.order_by("-detected_at")[0]
    assert (newest.plate_number, newest.detected_at, newest.camera) == ("AB0000RB", NOW, camera)
    assert (newest.vehicle_type, newest.layout, newest.source) == ("motorcycle", "two_line", "command")
    assert not path.with_name(f"{name}.errors.csv").exists()


def test_the_senders_event_id_is_kept(tmp_path: Path, camera: Camera) -> None:
    event = uuid.uuid4()
    path = table(tmp_path / "a.csv", [row(1, event_id=event), row(2, event_id=event), row(3)])
    assert "2 passages new, 1 known already" in run(path)
    assert Detection.objects.filter(event_id=event).count() == 1


def test_two_equal_lines_are_two_passages(tmp_path: Path, camera: Camera) -> None:
    path = table(tmp_path / "a.csv", [row(1), row(1)])
    run(path)
    run(path)
    assert Detection.objects.count() == 2


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"plate_number": "A"}, "plate_number", "too_short"),
    ({"plate_number": "A" * 40}, "plate_number", "too_long"),
    ({"plate_number": ""}, "plate_number", "required"),
    ({"camera": "nowhere"}, "camera", "unknown"),
    ({"detected_at": "soon"}, "detected_at", "invalid"),
    ({"detected_at": "2026-13-45T00:00:00Z"}, "detected_at", "invalid"),
    ({"detected_at": "1970-01-01T00:00:00Z"}, "detected_at", "too_old"),
    ({"detected_at": "2090-01-01T00:00:00Z"}, "detected_at", "in_the_future"),
    ({"confidence": "NaN"}, "confidence", "not_a_share"),
    ({"confidence": "much"}, "confidence", "invalid"),
    ({"bounding_box": "[1, 2]"}, "bounding_box", "invalid_box"),
    ({"bounding_box": "{}"}, "bounding_box", "invalid"),
    ({"metadata": "[" * 9000}, "metadata", "invalid"),
    ({"layout": "3_line"}, "layout", "invalid_choice"),
    ({"event_id": "12"}, "event_id", "invalid"),
    ({"vehicle_type": "x" * 17}, "vehicle_type", "too_long"),
    ({"lane": "a\0b"}, "lane", "invalid"),
    ({"colour": "red"}, "colour", "unknown_column"),
]


@pytest.mark.parametrize("dry_run", [True, False])
def test_lines_that_are_wrong_are_told_and_the_others_stored(
    tmp_path: Path, camera: Camera, dry_run: bool
) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(row(0)), "{", "[]"]
    lines += [json.dumps(row(number, **changes)) for number, (changes, _c, _k) in enumerate(WRONG)]
    path.write_text("\n".join([*lines, json.dumps(row(99))]), encoding="utf-8")
    with pytest.raises(CommandError, match="20 lines were refused"):
        run(path, *(["--dry-run"] if dry_run else []))
    expected = {("2", "", "invalid"), ("3", "", "invalid")}
    expected |= {(str(number), column, code) for number, (_v, column, code) in enumerate(WRONG, start=4)}
    assert set(problems(path)) == expected
    assert Detection.objects.count() == (0 if dry_run else 2)


def test_once_mended_the_list_of_errors_is_gone(tmp_path: Path, camera: Camera) -> None:
    path = table(tmp_path / "a.csv", [row(1), row(2, camera="nowhere")])
    with pytest.raises(CommandError):
        run(path)
    table(path, [row(1), row(2)])
    assert "1 passages new, 1 known already" in run(path)
    assert list(tmp_path.iterdir()) == [path]


def test_what_retention_would_delete_is_refused(tmp_path: Path, camera: Camera) -> None:
    path = table(tmp_path / "a.csv", [row(100 * 24 * 60)])
    run(path, "--dry-run")
    rules.change(DataKind.READS, to=90, by=None)
    rules.forget()
    with pytest.raises(CommandError):
        run(path)
    assert problems(path) == [("2", "detected_at", "too_old")]


def test_columns_may_have_other_names(tmp_path: Path, camera: Camera, operator: User) -> None:
    path = tmp_path / "a.csv"
    local = timezone.localtime(NOW)
    path.write_text(f"Plaque;Date\nAB 1234 RB;{local:%Y-%m-%d %H:%M:%S}\n", encoding="utf-8-sig")
    names = ["--map", "Plaque=plate_number", "--map", "date=detected_at"]
    run(path, *names, "--camera", camera.code, "--by", operator.email)
    passage = Detection.objects.get()
    assert (passage.plate_number, passage.detected_at, passage.created_by) == ("AB1234RB", NOW, operator)
    for wrong in (["--map", "a=b"], ["--camera", "nowhere"], ["--by", "x@example.bj"]):
        with pytest.raises(CommandError):
            run(path, *names, *wrong)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"a,b\n1,2\n", "first line must name"),
        ("a.csv", b"", "first line must name"),
        ("a.csv", "plate_number\né".encode("latin-1"), "UTF-8"),
        ("a.csv.gz", b"not gzip", "damaged"),
        ("a.csv.gz", gzip.compress(b"plate_number\nAB1234RB\n" * 900)[:-20], "damaged"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, camera: Camera, name: str, data: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with translation.override("en"), pytest.raises(CommandError, match=words):
        run(path)
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "none.csv")


def test_batches_are_committed_one_by_one(
    tmp_path: Path, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "a.csv", [row(number) for number in range(25)])
    monkeypatch.setattr(importing, "BATCH", 10)
    store, calls = services.record, 0

    def torn(passages: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return store(passages)

    with monkeypatch.context() as patched:
        patched.setattr(services, "record", torn)
        with pytest.raises(KeyboardInterrupt):
            run(path)
    assert Detection.objects.count() == 20
    assert "5 passages new, 20 known already" in run(path)


@pytest.mark.django_db(transaction=True)
@pytest.mark.stack
def test_an_import_that_is_killed_is_completed_by_the_next(tmp_path: Path, camera: Camera) -> None:
    """A real process, kill -9 in the middle: run again, everything is there, and nothing twice."""
    count = 8_000
    path = table(tmp_path / "a.csv", [row(number) for number in range(count)])
    database = urlsplit(os.environ["DATABASE_URL"])
    name = f"/{connection.settings_dict['NAME']}"
    environment = os.environ | {"DATABASE_URL": database._replace(path=name).geturl()}
    command = [sys.executable, "manage.py", "import_detections", str(path)]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    with start() as first:
        deadline = time.monotonic() + 90
        while not Detection.objects.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    stored = Detection.objects.count()
    assert 0 < stored < count, "it was killed in the middle"
    assert stored % importing.BATCH == 0
    with start() as second:
        output, _errors = second.communicate(timeout=120)
    assert second.returncode == 0, output
    assert f"{stored:,} known already, 0 refused" in output.decode()
    assert Detection.objects.count() == count
    assert Detection.objects.values("event_id").distinct().count() == count


def test_no_line_stops_the_others(tmp_path: Path, camera: Camera) -> None:
    hostile = [
        json.dumps(row(1, camera=["seme-krake-1"])),
        '{"confidence": ' + "9" * 5000 + "}",
        json.dumps(row(3, metadata={"note": "a\0b"})),
        json.dumps(row(4, metadata={"note": ["\ud800"]})),
        json.dumps(row(5, metadata='{"note": "a\\u0000b"}')),
        json.dumps(row(6, bounding_box="[" + "9" * 5000 + "]")),
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*hostile, json.dumps(row(9))]), encoding="utf-8")
    with pytest.raises(CommandError, match="6 lines were refused"):
        run(path)
    assert [number for number, _column, _code in problems(path)] == list("123456")
    assert Detection.objects.get().plate_number == "AB0009RB"
