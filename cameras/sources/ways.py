"""Which way leads to an address."""

from pathlib import Path
from urllib.parse import urlsplit

from cameras.options import SourceOptions
from cameras.sources import http, recording, rtsp, usb
from cameras.sources.errors import Fault, failure
from cameras.sources.opening import Way


def way_of(address: str, options: SourceOptions) -> Way:
    """The way to a network address, a device or a video file (by its path). Raises SourceError."""
    scheme = urlsplit(address).scheme if "://" in address else ""
    if scheme in rtsp.SCHEMES:
        return rtsp.way(address, options)
    if scheme in http.SCHEMES:
        return http.way(address)
    if scheme:
        raise failure(Fault.NOT_VIDEO)
    path = Path(address)
    return usb.way(path) if usb.is_device(path) else recording.way(path)
