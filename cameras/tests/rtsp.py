"""A small RTSP camera in pure Python, for tests: one H.264 clip over and over, and every fault on request.

It speaks what FFmpeg asks for: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN; RTP within the TCP connection or
over UDP; sender reports (RTCP) with the wall clock of the camera; Basic and Digest passwords.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import re
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from recognition.synthesis import make_clip

MTU = 1400
CLOCK = 90_000
"""RTP ticks a second of video."""
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""

AccessUnit = list[bytes]
"""The NAL units of one picture, without start codes."""


def camera_clip(
    path: Path,
    *,
    size: tuple[int, int] = (320, 180),
    seconds: float = 2.0,
    fps: int = 12,
    vehicles: Sequence[tuple[str, str, float]] = (("BB6232RB", "car", -3.0),),
) -> Path:
    """A drawn road as cameras encode: a key picture a second, no pictures that wait for later ones."""
    import av

    drawn = path.with_name(f"drawn-{path.name}")
    make_clip(drawn, vehicles, seconds, fps=fps, size=size, seed=1)
    settings = {"preset": "ultrafast", "tune": "zerolatency", "g": str(fps), "bf": "0"}
    with av.open(str(drawn)) as given, av.open(str(path), "w") as made:
        video = made.add_stream("libx264", rate=fps, options=settings)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        for number, picture in enumerate(given.decode(video=0)):
            picture.pts, picture.time_base, picture.pict_type = number, Fraction(1, fps), 0
            made.mux(video.encode(picture))
        made.mux(video.encode())
    drawn.unlink()
    return path


def repeated(clip: Path, path: Path, times: int) -> Path:
    """The clip so many times over, without encoding it again."""
    import av

    with av.open(str(path), "w") as made:
        video, start = None, 0
        for _ in range(times):
            with av.open(str(clip)) as given:
                source = given.streams.video[0]
                video = video or made.add_stream_from_template(source)
                for packet in given.demux(source):
                    if packet.size:
                        end = start + packet.pts + packet.duration
                        packet.pts, packet.dts, packet.stream = start + packet.pts, start + packet.dts, video
                        made.mux(packet)
            start = end
    return path


def access_units(clip: Path | str) -> list[AccessUnit]:
    """The pictures of an H.264 clip as a camera sends them, each key picture with its parameter sets."""
    import av

    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        units = av.BitStreamFilterContext("h264_mp4toannexb", video)
        packets = [made for packet in container.demux(video) for made in units.filter(packet)]
        return [_nal_units(bytes(packet)) for packet in packets if packet.size]


def rate_of(clip: Path | str) -> float:
    """Pictures a second of a clip."""
    import av

    with av.open(str(clip)) as container:
        return float(container.streams.video[0].average_rate)


def _nal_units(stream: bytes) -> AccessUnit:
    return [part for part in re.split(rb"\x00\x00\x00?\x01", stream) if part]


@dataclass
class Stream:
    """What is served under one path; may be changed while it plays.

    `sends` is what the network does to pictures: it gives the NAL units that go out. `clock_ahead`: seconds
    by which the camera's own clock is wrong. `stamped`: whether it sends reports of its clock.
    """

    units: Sequence[AccessUnit]
    fps: float = 12.0
    sends: Callable[[AccessUnit], AccessUnit] = field(default=lambda unit: unit)
    clock_ahead: float = 0.0
    stamped: bool = True
    silent: bool = False
    ends_after: int = 10**9

    def sdp(self) -> str:
        """The description: the parameter sets are those of the first picture."""
        sets = [nal for nal in self.units[0] if nal[0] & 31 in {7, 8}]
        sprop = ",".join(base64.b64encode(nal).decode() for nal in sets)
        lines = [
            "v=0",
            "o=- 0 0 IN IP4 127.0.0.1",
            "s=camera",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "m=video 0 RTP/AVP 96",
            "a=rtpmap:96 H264/90000",
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sprop}",
            "a=control:track1",
        ]
        return "\r\n".join([*lines, ""])


class RtspServer:
    """Serves streams by path on a port of this machine until it is closed.

    `password` is "user:password"; `digest` asks for it in the way of newer cameras. `deaf`: takes connections
    and never answers.
    """

    def __init__(
        self,
        streams: Mapping[str, Stream],
        *,
        password: str = "",
        digest: bool = False,
        deaf: bool = False,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.streams, self._password, self._digest, self._deaf = streams, password, digest, deaf
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._over = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(16)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def url(self, path: str = "live", *, user: str = "") -> str:
        """The address of a stream; `user` as "name:password"."""
        return f"rtsp://{user + '@' if user else ''}127.0.0.1:{self.port}/{path}"

    def kill(self) -> None:
        """Drop every connection at once and listen no more, as when the camera loses its power supply."""
        self._over.set()
        # A thread in accept() holds the port until it comes back.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError), contextlib.closing(connection):
                if self._deaf:
                    self._over.wait()
                else:
                    _Session(self, connection).run(self._over)
        finally:
            self._open.discard(connection)

    def allows(self, head: str, method: str) -> bool:
        """Whether the request carries the password."""
        if not self._password:
            return True
        given = re.search(r"^Authorization: (\w+) (.*?)\r?$", head, re.MULTILINE)
        if given is None:
            return False
        if given[1] == "Basic":
            return not self._digest and base64.b64decode(given[2]).decode() == self._password
        return self._digest and self._digest_fits(given[2], method)

    def _digest_fits(self, words: str, method: str) -> bool:
        told = dict(re.findall(r'(\w+)="([^"]*)"', words))
        user, _, password = self._password.partition(":")
        first = _md5(f"{user}:camera:{password}")
        second = _md5(f"{method}:{told['uri']}")
        return str(told["response"]) == _md5(f"{first}:n0nce:{second}")

    @property
    def challenge(self) -> str:
        """The header that asks for the password."""
        return 'Digest realm="camera", nonce="n0nce"' if self._digest else 'Basic realm="camera"'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class _Session:
    """One connection: requests are answered, and once it plays, pictures go out between them."""

    def __init__(self, server: RtspServer, connection: socket.socket) -> None:
        self._server, self._connection = server, connection
        self._stream: Stream | None = None
        self._send: Callable[[int, bytes], object] = self._interleaved
        self._sockets: list[socket.socket] = []
        self._playing = False
        self._sequence = random.randrange(2**16)
        self._first_stamp = random.randrange(2**32)
        self._seconds = 0.0

    def run(self, over: threading.Event) -> None:
        rest, due, number = b"", 0.0, 0
        try:
            while not over.is_set():
                ready, _, _ = select.select(
                    [self._connection], [], [], max(0.0, min(0.05, due - time.time()))
                )
                if ready:
                    data = self._connection.recv(65536)
                    if not data:
                        return
                    rest = self._requests(rest + data)
                    continue
                if self._stream is None or not self._playing or time.time() < due:
                    due = due or time.time()
                    if not self._playing:
                        time.sleep(0.005)
                    continue
                if number >= self._stream.ends_after:
                    return
                if not self._stream.silent:
                    self._picture(self._stream, number)
                    number += 1
                due = max(due, time.time() - 1) + 1 / self._stream.fps
        finally:
            for one in self._sockets:
                one.close()

    def _requests(self, data: bytes) -> bytes:
        """Answer what is complete; the rest. Reports of the receiver (RTCP) are passed over."""
        while data:
            if data[:1] == b"$":
                if len(data) < 4 or len(data) < 4 + struct.unpack(">H", data[2:4])[0]:
                    return data
                data = data[4 + struct.unpack(">H", data[2:4])[0] :]
                continue
            head, end, rest = data.partition(b"\r\n\r\n")
            if not end:
                return data
            self._answer(head.decode())
            data = rest
        return data

    def _answer(self, head: str) -> None:
        method, url, _ = head.split(" ", 2)
        number = re.search(r"CSeq: *(\d+)", head)
        more: dict[str, str] = {"CSeq": number[1] if number else "0"}
        body = ""
        path = re.sub(r"^rtsps?://[^/]+/|/track1/?$|/$", "", url)
        stream = self._server.streams.get(path.removesuffix("/track1"))
        if method != "OPTIONS" and not self._server.allows(head, method):
            status, more["WWW-Authenticate"] = "401 Unauthorized", self._server.challenge
        elif method == "OPTIONS":
            status, more["Public"] = "200 OK", "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
        elif stream is None and method == "DESCRIBE":
            status = "404 Not Found"
        else:
            status, added, body = self._done(method, head, stream)
            more |= added
        if body:
            more |= {"Content-Type": "application/sdp", "Content-Length": str(len(body))}
        lines = [f"RTSP/1.0 {status}", *(f"{name}: {value}" for name, value in more.items()), "", body]
        self._connection.sendall("\r\n".join(lines).encode())

    def _done(self, method: str, head: str, stream: Stream | None) -> tuple[str, dict[str, str], str]:
        if method == "DESCRIBE" and stream is not None:
            self._stream = stream
            return "200 OK", {}, stream.sdp()
        if method == "SETUP":
            transport = re.search(r"^Transport: *(.*?)\r?$", head, re.MULTILINE)
            return (
                "200 OK",
                {"Transport": self._transport(transport[1] if transport else ""), "Session": "1"},
                "",
            )
        if method == "PLAY":
            self._playing = True
        return "200 OK", {"Session": "1"}, ""

    def _transport(self, asked: str) -> str:
        ports = re.search(r"client_port=(\d+)-(\d+)", asked)
        if ports is None:
            return "RTP/AVP/TCP;unicast;interleaved=0-1"
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for one in self._sockets:
            one.bind(("127.0.0.1", 0))
        own = "-".join(str(one.getsockname()[1]) for one in self._sockets)
        there = [("127.0.0.1", int(port)) for port in ports.groups()]
        self._send = lambda channel, data: self._sockets[channel].sendto(data, there[channel])
        return f"RTP/AVP;unicast;client_port={ports[1]}-{ports[2]};server_port={own}"

    def _interleaved(self, channel: int, data: bytes) -> None:
        self._connection.sendall(struct.pack(">cBH", b"$", channel, len(data)) + data)

    def _picture(self, stream: Stream, number: int) -> None:
        stamp = (self._first_stamp + round(self._seconds * CLOCK)) % 2**32
        if stream.stamped and number % 10 == 0:
            self._report(stamp, time.time() + stream.clock_ahead)
        unit = stream.sends(stream.units[number % len(stream.units)])
        parts = [part for nal in unit for part in _parts(nal)]
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            self._send(0, struct.pack(">BBHII", 0x80, 96 | last << 7, self._sequence, stamp, 7) + part)
            self._sequence = (self._sequence + 1) % 2**16
        self._seconds += 1 / stream.fps

    def _report(self, stamp: int, now: float) -> None:
        ntp = round((now + NTP_EPOCH) * 2**32)
        self._send(1, struct.pack(">BBHIQIII", 0x80, 200, 6, 7, ntp, stamp, 0, 0))


def _parts(nal: bytes) -> Iterator[bytes]:
    """A NAL unit as it is, or in parts that fit a packet (FU-A)."""
    if len(nal) <= MTU:
        yield nal
        return
    indicator, kind = (nal[0] & 0xE0) | 28, nal[0] & 31
    for start in range(1, len(nal), MTU):
        end = start + MTU >= len(nal)
        yield bytes([indicator, kind | (start == 1) << 7 | end << 6]) + nal[start : start + MTU]


def damaged(seed: int = 1) -> Callable[[AccessUnit], AccessUnit]:
    """A line that turns over bytes of every picture; headers stay, so that there is something to decode."""
    chance = random.Random(seed)

    def _damaged(unit: AccessUnit) -> AccessUnit:
        return [nal if nal[0] & 31 in {7, 8} else _noise(nal, chance) for nal in unit]

    return _damaged


def _noise(nal: bytes, chance: random.Random) -> bytes:
    made: Any = bytearray(nal)
    for place in range(1, len(made)):
        if chance.random() < 0.3:
            made[place] = chance.randrange(256)
    return bytes(made)


if __name__ == "__main__":
    address, number, clip = sys.argv[1:]
    live = Stream(access_units(clip), fps=rate_of(clip))
    with RtspServer({"live": live}, host=address, port=int(number)):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threading.Event().wait()
