"""A request's body as lines of JSON, or as the elements of a JSON array, within limits."""

import io
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from accounts.api.errors import TooLargeError
from accounts.api.parsers import JSONParser
from detections.api import quick

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
PIECE = 64 * 1024
"""Bytes read at a time."""
GZIP = 31
"""What zlib calls gzip, with its largest window."""
LONGEST_LINE = 64 * 1024
"""Bytes of a line; a passage has some three hundred."""


class Line(NamedTuple):
    """A line (or element) by its number, from 1: the JSON in it, or why there is none.

    `simple`: see `quick.is_simple`.
    """

    number: int
    data: Any
    simple: bool = False


def lines_of(request: HttpRequest) -> Iterator[Line]:
    """The lines of a batch, read as they are asked for.

    Raises TooLargeError where a limit is passed, ParseError for an array that is none, UnsupportedMediaType.
    A body that breaks off just ends: its last line is broken, or missing.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BATCH_BYTES:
        raise TooLargeError
    if request.content_type in NDJSON:
        return _numbered(_split(_pieces(request)))
    if request.content_type == "application/json":
        return _elements(b"".join(_pieces(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)))
    raise UnsupportedMediaType(request.content_type or "")


def _pieces(request: HttpRequest, limit: int = 0) -> Iterator[bytes]:
    """The body as it comes, unpacked where it is gzip. Raises TooLargeError, and ParseError for no gzip."""
    left = limit or settings.MAX_BATCH_BYTES
    packed = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if packed not in ("", "identity", "gzip"):
        raise UnsupportedMediaType(packed)
    unpack = zlib.decompressobj(wbits=GZIP) if packed == "gzip" else None
    while piece := request.read(PIECE):
        while piece:
            if unpack and unpack.eof:
                # gzip may be several files, one after the other.
                unpack = zlib.decompressobj(wbits=GZIP)
            # A little packed may be very much unpacked: never more of it than a piece at a time.
            got, piece = _unpacked(unpack, piece) if unpack else (piece, b"")
            left -= len(got)
            if left < 0:
                raise TooLargeError
            yield got


def _unpacked(unpack: Any, piece: bytes) -> tuple[bytes, bytes]:
    try:
        return unpack.decompress(piece, PIECE), unpack.unconsumed_tail or unpack.unused_data
    except zlib.error as error:
        raise ParseError(_("The body is not gzip, or damaged.")) from error


def _split(pieces: Iterator[bytes]) -> Iterator[bytes | None]:
    """Lines without their ends; None for one that is too long, which is not kept."""
    rest, too_long = b"", False
    for piece in pieces:
        first, *others = (rest + piece).split(b"\n")
        rest = first
        for following in others:
            yield None if too_long or len(rest) > LONGEST_LINE else rest
            rest, too_long = following, False
        if len(rest) > LONGEST_LINE:
            rest, too_long = b"", True
    if rest or too_long:
        yield None if too_long else rest


def _numbered(lines: Iterator[bytes | None]) -> Iterator[Line]:
    for number, line in enumerate(lines, start=1):
        if number > settings.MAX_BATCH_LINES:
            raise TooLargeError
        if line is None:
            yield Line(number, ParseError(_("The line is too long."), code="too_large"))
        elif not line.isspace() and line:
            yield _parsed(number, line)


def _parsed(number: int, line: bytes) -> Line:
    try:
        return Line(number, quick.parsed(line), quick.is_simple(line))
    except quick.UnusualError:
        pass
    try:
        return Line(number, JSONParser().parse(io.BytesIO(line)))
    except ParseError as error:
        return Line(number, error)


def _elements(body: bytes) -> Iterator[Line]:
    try:
        array, usual = quick.parsed(body), True
    except quick.UnusualError:
        # It may hold what PostgreSQL does not take (NUL, infinity): every element needs a further look.
        array, usual = JSONParser().parse(io.BytesIO(body)), False
    if not isinstance(array, list):
        raise ParseError(_("Send a JSON array of passages, or lines of JSON as application/x-ndjson."))
    if len(array) > settings.MAX_BATCH_LINES:
        raise TooLargeError
    return (Line(number, data, usual and _is_simple(data)) for number, data in enumerate(array, start=1))


def _is_simple(data: Any) -> bool:
    return quick.is_simple(orjson.dumps(data))
