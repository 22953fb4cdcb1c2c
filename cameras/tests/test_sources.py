"""Frames of files and folders, and clear words for what cannot be read."""

import itertools
import shutil
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from cameras.checking import check
from cameras.models import Camera, validate_source
from cameras.options import SourceOptions
from cameras.sources import Fault, Photo, SourceError, folder, frames_of, stream
from cameras.sources.trial import first_picture
from conftest import picture
from recognition.synthesis import make_clip
from recognition.types import Frame


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def shown(given: Iterable[Frame | None]) -> list[Frame]:
    """The frames without the ticks."""
    return [frame for frame in given if frame is not None]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a drawn road."""
    path = tmp_path_factory.mktemp("clips") / "road.mp4"
    make_clip(path, [], 2.0, fps=12, size=(320, 180), seed=1)
    return path


def test_a_clip_gives_the_frames_asked_for_with_their_time(clip: Path) -> None:
    frames = shown(stream(str(clip), fps=4, live=False))
    assert len(frames) == 8
    assert frames[0].image.shape == (180, 320, 3)
    gaps = {
        round((later.captured_at - earlier.captured_at).total_seconds(), 2)
        for earlier, later in pairwise(frames)
    }
    assert gaps == {0.25}


def test_a_source_that_cannot_be_read_says_why_without_its_password(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no clip")
    with pytest.raises(SourceError, match="not a video"):
        list(stream(str(broken), fps=4, live=False))
    with pytest.raises(SourceError, match="No such file"):
        list(stream(str(tmp_path / "missing.mp4"), fps=4, live=False))
    with pytest.raises(SourceError, match="refused") as refused:
        list(stream("rtsp://officer:hunter2@127.0.0.1:9/live", fps=4, live=True))
    assert refused.value.__cause__ is None, "a printed chain would show it"
    assert "hunter2" not in str(refused.value)


def test_photos_of_a_folder_are_read_once_complete_and_put_away(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture())
    (tmp_path / "broken.jpg").write_bytes(picture()[:200])
    (tmp_path / "note.txt").write_text("not a photo")
    frames = folder(tmp_path, live=True)
    seen = [next(frames) for _ in range(3)]
    assert sum(frame is not None for frame in seen) == 1
    assert (tmp_path / "done" / "a.jpg").exists()
    assert (tmp_path / "failed" / "broken.jpg").exists()
    assert (tmp_path / "note.txt").exists()


def test_a_photo_that_is_still_being_written_waits(tmp_path: Path) -> None:
    photo = tmp_path / "slow.jpg"
    data = picture()
    photo.write_bytes(data[:100])
    frames = folder(tmp_path, live=True)
    assert next(frames) is None
    photo.write_bytes(data)
    assert next(frames) is None, "it grew since the last look"
    assert next(frames) is not None


def test_a_photo_that_vanishes_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(picture())
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    frames = folder(tmp_path, live=True)
    first = next(frame for frame in frames if frame)
    assert isinstance(first, Photo)
    (tmp_path / "b.jpg").unlink()
    (tmp_path / first.name).unlink()
    second = next(frames)
    assert isinstance(second, Photo)
    assert (first.name, second.name) == ("a.jpg", "c.jpg")


def test_a_folder_that_cannot_be_read_or_written_is_a_broken_source(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(picture())
    (photos / "done").write_text("in the way")
    frames = folder(photos, live=True)
    with pytest.raises(SourceError, match="File exists"):
        list(zip(range(9), frames, strict=False))
    frames = folder(photos, live=True)
    assert next(frames) is None
    shutil.rmtree(photos)
    with pytest.raises(SourceError, match="No such file"):
        next(frames)


def test_a_folder_that_leads_to_the_products_own_pictures_is_not_read(tmp_path: Path, settings: Any) -> None:
    frames_kept = Path(settings.MEDIA_ROOT) / "frames"
    frames_kept.mkdir()
    (frames_kept / "evidence.jpg").write_bytes(picture())
    way_in = tmp_path / "photos"
    way_in.mkdir()
    camera = Camera(name="x", code="x", stream_url=way_in.as_uri())
    frames = frames_of(camera, live=True)
    assert next(frames) is None
    way_in.rmdir()
    way_in.symlink_to(frames_kept, target_is_directory=True)  # after the address was checked
    for asked in (frames, frames_of(camera, live=True), frames_of(camera, live=False)):
        with pytest.raises(SourceError, match="MEDIA_ROOT") as refused:
            list(itertools.islice(asked, 5))
        assert refused.value.fault is Fault.OWN
    with pytest.raises(SourceError, match="MEDIA_ROOT"):
        first_picture(camera.source, SourceOptions())
    assert check(camera).fault is Fault.OWN
    assert [item.name for item in frames_kept.iterdir()] == ["evidence.jpg"]


def test_a_photo_read_again_is_the_same_and_another_of_its_name_is_not(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"

    def read_once() -> tuple[str, int, int]:
        frame = next(frame for frame in folder(tmp_path, live=True) if frame)
        assert isinstance(frame, Photo)
        return frame.name, frame.modified_ns, frame.size

    photo.write_bytes(picture())
    first = read_once()
    assert photo.exists(), "the reader died before it asked for the next one"
    assert read_once() == first
    photo.write_bytes(picture(colour="#733"))
    assert read_once() != first


def test_a_photo_that_came_while_its_namesake_was_read_is_not_put_away_unread(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(picture())
    frames = folder(tmp_path, live=True)
    assert next(frame for frame in frames if frame)
    photo.write_bytes(picture((320, 180)))
    second = next(frame for frame in frames if frame)
    assert second.image.shape == (180, 320, 3)
    next(frames)
    assert (tmp_path / "done" / "a.jpg").exists()
    assert not photo.exists()


def test_a_looping_file_plays_again(clip: Path) -> None:
    camera = Camera(name="x", code="x", stream_url=clip.as_uri(), fps=4, settings={"loop": True})
    frames = frames_of(camera, live=True)
    seen = [next(frames) for _ in range(10)]
    assert sum(frame is not None for frame in seen) >= 9


@pytest.mark.parametrize("address", ["rtsp://10.0.0.1/live", "https://x.bj/snap.jpg", "file:///srv/photos"])
def test_sources_that_can_be_read(address: str) -> None:
    validate_source(address)


@pytest.mark.parametrize(
    "address", ["ftp://x/y", "javascript:alert(1)", "rtsp://", "file:relative", "camera"]
)
def test_sources_that_cannot(address: str) -> None:
    with pytest.raises(ValidationError):
        validate_source(address)
