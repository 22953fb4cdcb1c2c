"""`python -m recognition read`: rows for people and programs; a bad file does not stop the others."""

import json
from pathlib import Path

import pytest

from recognition.__main__ import main
from recognition.images import to_jpeg
from recognition.types import RGB


@pytest.fixture
def photo(tmp_path: Path, car_photo: RGB) -> Path:
    path = tmp_path / "car.jpg"
    path.write_bytes(to_jpeg(car_photo))
    return path


@pytest.mark.models
def test_json_gives_one_line_a_file_and_goes_on_after_a_bad_one(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    assert main(["read", "--json", str(text), str(tmp_path / "missing.jpg"), str(photo)]) == 1
    bad, missing, good = (json.loads(row) for row in capsys.readouterr().out.splitlines())
    assert (bad["file"], bad["code"]) == (str(text), "not_an_image")
    assert missing["code"] == "unreadable"
    assert set(good) == {"file", "reads"}
    (read,) = good["reads"]
    assert set(read) == {
        "text", "confidence", "box", "layout", "candidates", "raw_text", "polygon", "plate_colour", "vehicle",
    }  # fmt: skip
    assert [len(point) for point in read["polygon"]] == [2, 2, 2, 2]
    assert (read["text"], read["layout"], len(read["box"])) == ("BB6232RB", "one_line", 4)
    assert read["candidates"][0]["text"] == "BB6232RB"


@pytest.mark.models
def test_the_table_names_plate_and_errors(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(photo)]) == 0
    assert "BB6232RB" in capsys.readouterr().out
    assert main(["read", str(photo.with_name("no.jpg"))]) == 1
    assert "unreadable" in capsys.readouterr().out


def test_an_unknown_engine_ends_with_a_hint(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--engine", "rapidcor", str(photo)]) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_a_remote_engine_takes_its_address_and_its_absence_is_told_per_file(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["read", "--json", "--engine", "http", "--set", "timeout=0.5", str(photo)]
    assert main(arguments) == 2
    assert "needs parameter url" in capsys.readouterr().err
    assert main([*arguments, "--set", "url=http://127.0.0.1:9/read"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "engine"
    assert main([*arguments, "--set", "url"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err
