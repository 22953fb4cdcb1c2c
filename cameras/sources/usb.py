"""USB cameras and capture cards: file:///dev/video0, by Video4Linux."""

import stat
from pathlib import Path

from cameras.sources.errors import Fault, failure, plain_errors
from cameras.sources.opening import Way

_DEVICES = Path("/dev")


def is_device(path: Path) -> bool:
    """True for the address of a device, plugged in or not."""
    return path.is_relative_to(_DEVICES) and path.name.startswith("video")


def way(path: Path) -> Way:
    """Stamps are the driver's; pictures come in the format that the driver has set. Raises SourceError."""
    with plain_errors():
        try:
            kind = path.stat().st_mode
        except FileNotFoundError:
            raise failure(Fault.NO_DEVICE) from None
    if not stat.S_ISCHR(kind):
        raise failure(Fault.NO_DEVICE)
    return Way(str(path), {"timestamps": "abs"}, format="v4l2", stamped=True)
