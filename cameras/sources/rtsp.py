"""RTSP: H.264, H.265 or MJPEG over TCP or UDP."""

from cameras.options import SourceOptions
from cameras.sources.opening import Way

SCHEMES = ("rtsp", "rtsps")


def way(address: str, options: SourceOptions) -> Way:
    """Video alone, unprobed: the camera describes its stream, and a slow one would be probed for long."""
    settings = {
        "rtsp_transport": options.transport,
        "allowed_media_types": "video",
        "probesize": "32",
        "fpsprobesize": "0",
        # Of the kernel, for UDP: a key picture comes in one burst.
        "buffer_size": str(2**21),
    }
    return Way(address, settings, stamped=True, behind=True)
