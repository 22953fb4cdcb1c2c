"""Networks of one's own: a folder below that of the weights, and its digest."""

import hashlib
from pathlib import Path

import pytest

from recognition.engines import EngineError, get_engine
from recognition.weights import WeightsError, check_folder, digest_of_folder, network_path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder "v2" with a reader in it."""
    monkeypatch.setenv("ANPR_WEIGHTS_DIR", str(tmp_path / "weights"))
    path = tmp_path / "weights" / "v2"
    path.mkdir(parents=True)
    (path / "reader.onnx").write_bytes(b"a reader")
    (path / "notes.txt").write_text("not a network")
    return path


def test_a_folder_of_its_own_comes_before_all_others(folder: Path) -> None:
    shipped = network_path("detector")
    (folder.parent / "reader.onnx").write_bytes(b"of all")
    assert network_path("reader", folder="v2") == folder / "reader.onnx"
    assert network_path("reader") == folder.parent / "reader.onnx"
    assert network_path("detector", folder="v2") == shipped


def test_the_digest_is_that_of_sha256sum_twice(folder: Path) -> None:
    (folder / "detector.onnx").write_bytes(b"a detector")
    lines = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n"
        for name, data in (("detector.onnx", b"a detector"), ("reader.onnx", b"a reader"))
    )
    wanted = hashlib.sha256(lines.encode()).hexdigest()
    assert digest_of_folder("v2") == wanted
    check_folder("v2", wanted)
    check_folder("v2")
    (folder / "reader.onnx").write_bytes(b"another")
    with pytest.raises(WeightsError, match=f"expected {wanted}"):
        check_folder("v2", wanted)


@pytest.mark.parametrize("name", ["v3", "../v2", "/etc", "v2/../.."])
def test_a_folder_that_is_missing_or_lies_elsewhere_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(WeightsError):
        check_folder(name)
    with pytest.raises(EngineError, match="no weights"):
        get_engine("native", weights=name)
