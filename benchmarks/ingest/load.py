"""The load: a process of its own that keeps connections open and counts answers.

Reads a pickled Job from standard input, writes JSON to standard output. Requests are made before the clock
starts; one thread looks after all connections, which takes some 15 microseconds a request.
"""

import json
import pickle
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

TIMEOUT = 60


@dataclass(frozen=True)
class Job:
    """Requests (each a list of pieces that are sent in a row), and for how many seconds at most."""

    port: int
    connections: int
    seconds: float
    expect: int
    requests: list[list[bytes]] = field(repr=False)


class UnexpectedAnswerError(RuntimeError):
    """A server said something else than it should."""


class Line:
    """One connection: sends a request, reads its answer, takes the next."""

    def __init__(self, job: Job, requests: list[list[bytes]], selector: selectors.BaseSelector) -> None:
        """Connects; nothing is sent yet."""
        self.socket = socket.create_connection(("127.0.0.1", job.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._expect = job.expect
        self._requests = requests
        self._selector = selector
        self._out: list[memoryview] = []
        self._in = bytearray()
        selector.register(self.socket, selectors.EVENT_READ, self)

    def next(self) -> bool:
        """Begin the next request; False when there is none."""
        if not self._requests:
            return False
        self._out = [memoryview(piece) for piece in self._requests.pop()]
        self.send()
        return True

    def send(self) -> None:
        """Send what the kernel takes; the rest when it can take more."""
        while self._out:
            try:
                sent = self.socket.sendmsg(self._out)
            except BlockingIOError:
                self._selector.modify(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
                return
            while self._out and sent >= len(self._out[0]):
                sent -= len(self._out.pop(0))
            if sent:
                self._out[0] = self._out[0][sent:]
        self._selector.modify(self.socket, selectors.EVENT_READ, self)

    def receive(self) -> bool:
        """Read; True when an answer is whole. Raises UnexpectedAnswerError."""
        data = self.socket.recv(1 << 18)
        if not data:
            raise UnexpectedAnswerError("The server closed the connection.")
        self._in += data
        end = self._in.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._in[:end]).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._in) < end + 4 + length:
            return False
        if int(head[9:12]) != self._expect:
            raise UnexpectedAnswerError(bytes(self._in[:2000]).decode(errors="replace"))
        self._in.clear()
        return True


def run(job: Job) -> dict[str, float]:
    """Send; how many answers came in how many seconds."""
    selector = selectors.DefaultSelector()
    requests = list(job.requests)
    lines = [Line(job, requests, selector) for _ in range(job.connections)]
    started = time.perf_counter()
    busy, done = sum(line.next() for line in lines), 0
    while busy:
        ready = selector.select(TIMEOUT)
        if not ready:
            raise UnexpectedAnswerError("The server does not answer.")
        for key, mask in ready:
            line: Line = key.data
            if mask & selectors.EVENT_WRITE:
                line.send()
            if mask & selectors.EVENT_READ and line.receive():
                done += 1
                in_time = time.perf_counter() - started < job.seconds
                busy -= not (in_time and line.next())
    return {"answers": done, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    json.dump(run(pickle.load(sys.stdin.buffer)), sys.stdout)
