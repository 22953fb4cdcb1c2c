"""HTTP: MJPEG that never ends, or a picture that is fetched again and again."""

from typing import Any

from cameras.sources.opening import Way

SCHEMES = ("http", "https")


def way(address: str) -> Way:
    """No other protocol: an address that answers with a playlist must not lead to files of this machine."""
    settings = {
        "protocol_whitelist": "http,https,tcp,tls,httpproxy,crypto",
        "fpsprobesize": "0",
        "analyzeduration": "500000",
    }
    return Way(address, settings)


def is_snapshot(container: Any) -> bool:
    """True when what was opened is a single picture rather than a video."""
    # By its content, or by the name at the end of the address.
    return str(container.format.name).endswith(("_pipe", "image2"))
