"""Opening a source with PyAV, and finding out why it cannot be opened.

PyAV tells refused, missing and timed-out streams apart where OpenCV only says False; what it does not tell
(an unknown name, a host out of reach) is asked of the network afterwards.
"""

import errno
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cameras.options import SourceOptions
from cameras.sources.errors import Fault, SourceError, failure, plain_errors, told

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Way:
    """How FFmpeg reaches a source.

    `stamped`: its stamps are time, as those of RTP are; those of MJPEG start anywhere and run at any speed.
    `behind`: FFmpeg knows that a picture is complete, and gives it, only when the next one begins to arrive.
    `threads`: FFmpeg's way to use several cores. "SLICE" gives each picture at once, "AUTO" some later.
    """

    address: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    stamped: bool = False
    behind: bool = False
    threads: str = "SLICE"


@contextmanager
def opened(way: Way, options: SourceOptions) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream. Raises SourceError, also for what fails while it is read."""
    with plain_errors(reading=True), _container(way, options) as container:
        if not container.streams.video:
            raise failure(Fault.NOT_VIDEO)
        video = container.streams.video[0]
        video.thread_type = way.threads
        yield container, video


def sound_pictures(packet: Any) -> Iterator[Any]:
    """The pictures of a packet; None for a damaged one, which costs this picture and not the stream."""
    import av

    try:
        pictures = packet.decode()
    except av.error.FFmpegError:
        # Most often invalid data; other kinds, too, when parameters of the stream are what was damaged.
        yield None
        return
    for picture in pictures:
        yield None if picture.is_corrupt else picture


def _container(way: Way, options: SourceOptions) -> Any:
    import av

    started = time.monotonic()
    try:
        return av.open(
            way.address,
            format=way.format,
            options=dict(way.settings),
            timeout=(options.connect, options.read),
        )
    except (av.error.FFmpegError, OSError) as error:
        late = time.monotonic() - started > options.connect * 0.95
        raise _cause(error, way, options, late=late) from None


def _cause(error: Exception, way: Way, options: SourceOptions, *, late: bool) -> SourceError:
    """Why it cannot be opened, `late`: when the time to connect was over."""
    known = told(error)
    if "://" not in way.address:
        return failure(Fault.NO_DEVICE) if way.format and known.fault is Fault.OTHER else known
    if late and known.fault in {Fault.TIMEOUT, Fault.NOT_VIDEO}:
        return failure(Fault.TIMEOUT)
    if known.fault in {Fault.OTHER, Fault.NOT_VIDEO}:
        # FFmpeg says the same of names, networks and answers of RTSP that it cannot use.
        return _from_network(way.address, options.connect) or known
    return known


def _from_network(address: str, seconds: float) -> SourceError | None:
    """What keeps us from the host of this address; None when it takes connections."""
    parts = urlsplit(address)
    try:
        where = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        with socket.create_connection(where, timeout=seconds) as connection:
            return _from_greeting(connection) if parts.scheme == "rtsp" else None
    except (socket.gaierror, UnicodeError):
        return failure(Fault.UNKNOWN_HOST)
    except ValueError:
        return failure(Fault.OTHER, reason="port")
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EADDRNOTAVAIL}:
            return failure(Fault.UNREACHABLE)
        return told(error)


def _from_greeting(connection: socket.socket) -> SourceError | None:
    """What is wrong with who answers there; None for a server of RTSP."""
    connection.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    answer = connection.recv(64)
    if not answer:
        return failure(Fault.BROKEN)
    return None if answer.startswith(b"RTSP/") else failure(Fault.NOT_VIDEO)
