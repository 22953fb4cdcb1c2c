"""`manage.py import_cameras`: tables as people make them, all or nothing."""

import io
import json
import time
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, User
from cameras.models import Camera, ModelConfig

pytestmark = pytest.mark.django_db


def run(file: Path, *words: str) -> tuple[str, list[str]]:
    """What the command says, and what it complains of, a line each."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_cameras", str(file), *words, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue().strip(), [*err.getvalue().splitlines(), str(error)]
    return out.getvalue().strip(), err.getvalue().splitlines()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table as a French Excel writes it."""
    path = tmp_path / "cameras.csv"
    lines = [
        "Code;Name;location_name;latitude;longitude;fps;is_enabled;plate_formats;direction;rtsp_url",
        "igolo-1;Igolo 1;Igolo, frontière;6,6417;2,7283;4,5;oui;BJ, NG;approaching;rtsp://u:s3cret@10.0.0.1/live",
        "",
        "porga-1;Porga 1;;;;;non;;;",
    ]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    return path


def test_a_table_of_a_french_excel_is_taken_with_an_audit_row_each(table: Path, admin_user: User) -> None:
    assert run(table, "--by", admin_user.email) == ("2 new, 0 changed, 0 as before.", [])
    igolo, porga = Camera.objects.get(code="igolo-1"), Camera.objects.get(code="porga-1")
    assert (igolo.latitude, igolo.fps, igolo.plate_formats) == (Decimal("6.641700"), 4.5, ["BJ", "NG"])
    assert (igolo.location_name, igolo.direction) == ("Igolo, frontière", "approaching")
    assert igolo.rtsp_url == "rtsp://u:s3cret@10.0.0.1/live"
    assert (porga.is_enabled, porga.fps, porga.latitude) == (False, 6.0, None)
    events = AuditEvent.objects.filter(action="camera.create")
    assert {event.actor for event in events} == {admin_user}
    assert events.count() == 2
    assert "s3cret" not in json.dumps(list(AuditEvent.objects.values_list("details", flat=True)))


def test_cameras_are_changed_by_their_code_and_empty_cells_change_nothing(table: Path) -> None:
    run(table)
    assert run(table) == ("0 new, 0 changed, 2 as before.", [])
    table.write_text("code,fps,rtsp_url,name\nigolo-1,2,,\nporga-1,,rtsp://***@10.0.0.1/live,\n", "utf-8")
    text, problems = run(table)
    assert text == ""
    assert problems[0].startswith("line 3, rtsp_url: ")
    table.write_text("code,fps,rtsp_url,name\nigolo-1,2,rtsp://***@10.0.0.1/live,\nporga-1,,,\n", "utf-8")
    assert run(table) == ("0 new, 1 changed, 1 as before.", [])
    igolo = Camera.objects.get(code="igolo-1")
    assert (igolo.fps, igolo.name, igolo.rtsp_url) == (2.0, "Igolo 1", "rtsp://u:s3cret@10.0.0.1/live")


def test_every_problem_is_told_by_line_and_column_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    path.write_text(
        "code,name,fps,latitude,longitude,is_enabled,settings,model,rtsp_url\n"
        "good,Good,6,,,,,,\n"
        'a,A,fast,,,perhaps,"{",none such,ftp://u:s3cret@host/\n'
        '"b","B\nagain",6,91,2,,,,\n'
        "good,Twice,6,,,,,,\n"
        ",No code,6,,,,,,\n"
        "c,Good,6,,,,,,\n",
        "utf-8",
    )
    text, problems = run(path)
    assert text == ""
    told = [line.partition(": ")[0] for line in problems[:-1]]
    assert told == [
        "line 3, fps", "line 3, is_enabled", "line 3, settings", "line 3, model",
        "line 4", "line 6, code", "line 7, code", "line 8, name",
    ]  # fmt: skip
    assert problems[-1].endswith("Nothing was written.")
    assert "s3cret" not in "".join(problems)
    assert not Camera.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="camera.").exists()


def test_a_rehearsal_writes_nothing(table: Path) -> None:
    text, problems = run(table, "--dry-run")
    assert text.startswith("2 new, 0 changed, 0 as before.")
    assert problems == []
    assert not Camera.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="camera.").exists()


def test_json_is_taken_with_its_types(tmp_path: Path) -> None:
    ModelConfig.objects.create(name="Ours", engine="native")
    path = tmp_path / "cameras.json"
    one = {
        "code": "igolo-1", "name": "Igolo 1", "fps": 4, "latitude": 6.64, "longitude": 2.73, "model": "Ours",
        "is_enabled": False, "settings": {"loop": True}, "plate_formats": ["BJ"], "lanes": None,
    }  # fmt: skip
    path.write_text(json.dumps([one]), "utf-8")
    assert run(path) == ("1 new, 0 changed, 0 as before.", [])
    assert run(path) == ("0 new, 0 changed, 1 as before.", [])
    camera = Camera.objects.get()
    assert camera.model is not None
    assert (camera.settings, camera.model.name, camera.is_enabled) == ({"loop": True}, "Ours", False)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "code;name\nigolo;Caméra\n".encode("cp1252"), "line 1: "),
        ("a.csv", b"name,fps\nA,6\n", "line 1: "),
        ("a.csv", b"code,name,colour\na,A,red\n", "line 2, colour: "),
        ("a.csv", b"code,name\na,A,more\n", "line 2: "),
        ("a.csv", b'code,name\na,"A\n', "line 2: "),
        ("a.csv", b"code,name\na,A\x00\n", "line 2, name: "),
        ("a.csv", b"", "line 1: "),
        ("a.json", b"{", "line 1: "),
        ("a.json", b'{"code": "a"}', "line 1: "),
        ("a.json", b'["a"]', "line 1: "),
        ("a.json", b"[" * 100_000, "line 1: "),
        ("a.json", b'[{"code": "a", "name": "A", "fps": NaN}]', "line 1"),
        ("a.json", b'[{"code": "a", "name": "A", "fps": [1]}]', "line 1, fps: "),
        ("a.json", b'[{"code": "a", "name": "A", "settings": "{"}]', "line 1, settings: "),
        ("a.json", b'[{"code": "a", "name": "A\\u0000"}]', "line 1, name: "),
    ],
)
def test_what_cannot_be_taken_is_said_with_its_place(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    text, problems = run(path)
    assert text == ""
    assert problems[0].startswith(words), problems
    assert not Camera.objects.exists()


def test_a_missing_file_and_an_unknown_account_are_said(tmp_path: Path, table: Path) -> None:
    assert "No such file" in run(tmp_path / "none.csv")[1][0]
    assert run(table, "--by", "nobody@example.bj")[1] == ["No account nobody@example.bj."]


def test_a_large_table_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    lines = [f"c-{number};Caméra {number};6,5;2,5" for number in range(1000)]
    path.write_text("\n".join(["code;name;latitude;longitude", *lines]), "utf-8")
    begun = time.process_time()
    assert run(path) == ("1000 new, 0 changed, 0 as before.", [])
    assert time.process_time() - begun < 60
    assert Camera.objects.count() == 1000
