"""Frames of a camera: a network stream or video file (PyAV), or a folder in which photos arrive.

PyAV tells refused, missing and timed-out streams apart where OpenCV only says False. Frames are converted to
RGB only when they are analysed. What is live never falls behind: pictures that nobody had time for are left
out, and every source gives None (a tick) at least about once a second while it has nothing to show, so that
whoever reads it can renew its lease.
"""

import logging
import stat
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from cameras.models import Camera
from recognition.images import ImageError, open_image
from recognition.types import Frame

logger = logging.getLogger(__name__)

OPEN_TIMEOUT = 5.0
READ_TIMEOUT = 5.0
SILENCE = READ_TIMEOUT + 25.0
"""Seconds without a picture after which a network source is given up although its connection holds. Longer
than the timeouts of PyAV, which end what sends nothing at all, and than any camera's key frame interval."""
TICK = 1.0
"""Seconds after which a source that has nothing to show gives None."""
LATE = 0.2
"""Seconds by which a file played live may lag before pictures are left out."""
PATIENCE = 5.0
"""Seconds of leaving out after which a file that cannot be decoded in real time is shown late after all."""
CUT = 60.0
"""Seconds between two pictures of a recording that are no pause but another recording joined to it."""
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
FOLDER_POLL = 0.25
"""Seconds between looks into a folder of photos."""


class SourceError(Exception):
    """A source cannot be opened or read; the message says why, without its address or password."""


@dataclass(frozen=True, slots=True)
class Photo(Frame):
    """A photo of a folder. Name, time of change and size tell it from every other photo of that folder."""

    name: str = ""
    modified_ns: int = 0
    size: int = 0


def frames_of(camera: Camera, *, live: bool) -> Generator[Frame | None]:
    """Frames of the camera's source, at most `camera.fps` a second; None while nothing new is there.

    `live`: real time (a file is played at its speed, a folder is watched for ever), otherwise as fast as they
    can be read. Raises SourceError, and CameraSettingsError for unusable settings.
    """
    options, parts = camera.options, urlsplit(camera.source)
    if parts.scheme != "file":
        yield from stream(camera.source, fps=camera.fps, live=live)
        return
    path = Path(unquote(parts.path))
    if path.is_dir():
        yield from folder(path, live=live)
        return
    while True:
        yield from stream(str(path), fps=camera.fps, live=live)
        if not (live and options.loop):
            return
        resume = time.monotonic() + options.loop_pause
        yield None
        while time.monotonic() < resume:
            time.sleep(FOLDER_POLL)
            yield None


def stream(url: str, *, fps: float, live: bool) -> Generator[Frame | None]:
    """Frames of a network stream or a video file. Raises SourceError.

    A network stream is live whether asked for or not: its frames carry the time at which they arrived, and
    those that arrive while the consumer is busy are left out.
    """
    return _network(url, fps) if "://" in url else _Recording(url, fps, live=live).frames()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors of PyAV and the system as SourceError. Their chain is cut: it holds address and password."""
    import av

    try:
        yield
    except av.error.ExitError:
        # How PyAV's timeouts show: "Immediate exit requested".
        raise SourceError("no answer in time") from None
    except av.error.FFmpegError as error:
        raise SourceError(_reason(error)) from None
    except OSError as error:
        raise SourceError(error.strerror or type(error).__name__) from None


def _reason(error: Exception) -> str:
    """Cause of a failure in words, without the address (it may hold a password)."""
    return str(getattr(error, "strerror", "") or type(error).__name__)


@contextmanager
def _opened(url: str) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream. Raises SourceError."""
    import av

    options = {"rtsp_transport": "tcp"} if "://" in url else {}
    with _plain_errors(), av.open(url, options=options, timeout=(OPEN_TIMEOUT, READ_TIMEOUT)) as container:
        if not container.streams.video:
            raise SourceError("no video in this source")
        video = container.streams.video[0]
        video.thread_type = "AUTO"
        yield container, video


# --- Network streams: the newest picture, with the time at which it arrived -------------------------------


class _Arrival(NamedTuple):
    picture: Any
    at: datetime
    number: int


class _Newest:
    """Decodes a network source in a thread of its own and keeps the newest picture only.

    A source that is not read at its own speed fills the buffers on the way, and each frame comes later than
    the one before; so reading must not wait for recognition.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._changed = threading.Condition()
        self._arrival: _Arrival | None = None
        # Stays so when the thread dies of what nobody foresaw.
        self._failure: SourceError | None = SourceError("reading broke off")
        self._stop = threading.Event()
        # A daemon: a read that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._decode, name="camera-decoder", daemon=True)
        self._ended = False
        #: Everything was taken and there will be no more.
        self.finished = False
        self._thread.start()

    def take(self, timeout: float) -> _Arrival | None:
        """The newest picture not taken yet; None when none came in time or the stream is `finished`.

        Raises SourceError when the thread failed, after its last picture was taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._arrival or self._ended, timeout)
            arrival, self._arrival = self._arrival, None
            if arrival is None and self._ended:
                if self._failure:
                    raise self._failure
                self.finished = True
            return arrival

    def close(self) -> None:
        """End the thread: at its next picture or, from a silent source, at its read timeout."""
        self._stop.set()
        self._thread.join(TICK)

    def _decode(self) -> None:
        try:
            with _opened(self._url) as (container, video):
                for number, picture in enumerate(container.decode(video)):
                    if self._stop.is_set():
                        break
                    with self._changed:
                        self._arrival = _Arrival(picture, datetime.now(UTC), number)
                        self._changed.notify()
            self._failure = None
        except SourceError as error:
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()


def _network(url: str, fps: float) -> Generator[Frame | None]:
    """Frames of a network source by the wall clock: stamps of streams start anywhere and run at any speed."""
    with closing(_Newest(url)) as newest:
        due = heard = time.monotonic()
        while True:
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(min(pause, TICK))
                if pause > TICK:
                    yield None
                continue
            arrival = newest.take(TICK)
            if arrival is not None:
                heard = time.monotonic()
                due = max(due + 1 / fps, heard)
                with _plain_errors():
                    image = arrival.picture.to_ndarray(format="rgb24")
                yield Frame(image=image, captured_at=arrival.at, number=arrival.number)
            elif newest.finished:
                return
            elif time.monotonic() - heard > SILENCE:
                raise SourceError(f"no picture for {SILENCE:.0f} s")
            else:
                yield None


# --- Video files ------------------------------------------------------------------------------------------


class _Recording:
    """A video file: its own clock, counted from its first picture, is added to the time of opening."""

    def __init__(self, path: str, fps: float, *, live: bool) -> None:
        self._path, self._fps, self._live = path, fps, live
        self._start_at(0.0)
        #: When the consumer last had something: a frame or a tick.
        self._given = time.monotonic()

    def frames(self) -> Generator[Frame | None]:
        """The frames wanted; None now and then while pictures are waited for or left out."""
        due, number = 0.0, -1
        with _opened(self._path) as (container, video):
            self._start_at(0.0)
            # When the consumer last came back from a frame.
            back = time.monotonic()
            for number, (seconds, picture) in enumerate(_timed(container.decode(video), _rate(video))):
                if self._live:
                    yield from self._wait_for(seconds)
                if seconds < due or self._too_late(seconds, back):
                    if time.monotonic() - self._given > TICK:
                        yield None
                        self._given = time.monotonic()
                    continue
                due = max(due + 1 / self._fps, seconds)
                image = picture.to_ndarray(format="rgb24")
                yield Frame(image, self._opened_at + timedelta(seconds=seconds), number)
                back = self._given = time.monotonic()
        if number < 0:
            # Played again and again, such a file would keep its worker busy and silent for ever.
            raise SourceError("no picture in this recording")

    def _start_at(self, seconds: float) -> None:
        """Let this position be played now."""
        self._opened_at = datetime.now(UTC) - timedelta(seconds=seconds)
        self._started = time.monotonic() - seconds

    def _wait_for(self, seconds: float) -> Iterator[None]:
        while (ahead := seconds - (time.monotonic() - self._started)) > 0:
            if ahead > TICK or time.monotonic() - self._given > TICK:
                yield None
                self._given = time.monotonic()
            time.sleep(min(ahead, TICK))

    def _too_late(self, seconds: float, back: float) -> bool:
        """True when the consumer was away for so long that this picture is no longer the newest."""
        now = time.monotonic()
        if not self._live or now - self._started - seconds <= LATE:
            return False
        if now - back > PATIENCE:
            self._start_at(seconds)
            return False
        return True


def _timed(pictures: Iterable[Any], rate: float) -> Iterator[tuple[float, Any]]:
    """Each picture with its seconds since the first one.

    Raw streams stamp no pictures: then the rate tells. Recordings joined from several jump in between (back,
    or a day ahead where that is taken for a counter run over): then the clock goes on from where it was.
    """
    offset: float | None = None
    last = -1 / rate
    for picture in pictures:
        stamp = None if picture.time is None else float(picture.time)
        following = last + 1 / rate
        if stamp is None:
            seconds = following
        else:
            if offset is None or not last <= stamp + offset <= last + CUT:
                offset = following - stamp
            seconds = stamp + offset
        last = seconds
        yield seconds, picture


def _rate(video: Any) -> float:
    """Pictures a second; 25, the rate of most cameras here, where the file does not say."""
    rate = float(video.average_rate or 0)
    return rate if 0.01 <= rate <= 1000 else 25.0


# --- Folders of photos ------------------------------------------------------------------------------------


class _Entry(NamedTuple):
    """A photo as it lies in the folder: in order, the oldest comes first."""

    modified_ns: int
    name: str
    size: int


def folder(path: Path, *, live: bool) -> Generator[Frame | None]:
    """Photos of a folder, oldest first. Live: each new one when it is complete, then moved to `done/`.

    A photo is complete when it stood still between two looks; what cannot be read goes to `failed/`. It is
    moved when the consumer asks for the next one: whoever dies before finds it again, as the same `Photo`.
    Raises SourceError.
    """
    before: set[_Entry] = set()
    number = 0
    while True:
        entries = _entries(path)
        for entry in entries:
            if live and entry not in before:
                continue
            data = _bytes_of(path / entry.name)
            if data is None:
                continue
            frame = _photo(entry, data, number)
            if frame:
                yield frame
                number += 1
            if live:
                _put_away(path, entry, "done" if frame else "failed")
        if not live:
            return
        before = set(entries)
        time.sleep(FOLDER_POLL)
        yield None


def _entries(path: Path) -> list[_Entry]:
    """The photos that lie in the folder; one that vanishes meanwhile is left out."""
    with _plain_errors():
        names = [item.name for item in path.iterdir() if item.suffix.lower() in PHOTO_SUFFIXES]
        return sorted(entry for name in names if (entry := _entry(path, name)))


def _entry(path: Path, name: str) -> _Entry | None:
    with _plain_errors():
        try:
            facts = (path / name).stat()
        except FileNotFoundError:
            return None
        return _Entry(facts.st_mtime_ns, name, facts.st_size) if stat.S_ISREG(facts.st_mode) else None


def _bytes_of(photo: Path) -> bytes | None:
    """None when the photo has vanished."""
    with _plain_errors():
        try:
            return photo.read_bytes()
        except FileNotFoundError:
            return None


def _photo(entry: _Entry, data: bytes, number: int) -> Photo | None:
    try:
        image = open_image(data)
    except ImageError as error:
        logger.warning("photo %s refused: %s", entry.name, error.code)
        return None
    return Photo(
        image=image,
        captured_at=datetime.fromtimestamp(entry.modified_ns / 1e9, UTC),
        number=number,
        name=entry.name,
        modified_ns=entry.modified_ns,
        size=entry.size,
    )


def _put_away(path: Path, entry: _Entry, name: str) -> None:
    """Move the photo that was read, not another that took its name meanwhile."""
    with _plain_errors():
        if _entry(path, entry.name) != entry:
            return
        (path / name).mkdir(exist_ok=True)
        try:
            (path / entry.name).replace(path / name / entry.name)
        except FileNotFoundError:
            logger.info("photo %s vanished before it was put away", entry.name)
