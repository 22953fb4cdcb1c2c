"""What can be wrong with a source, in plain words that never hold its address or password."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Fault(TextChoices):
    """Kinds of faults, each with what is told to people; {seconds} is filled in."""

    REFUSED = "refused", _("Connection refused: the host is there, but nothing answers on this port.")
    UNKNOWN_HOST = "unknown_host", _("No host of this name was found.")
    UNREACHABLE = "unreachable", _("The host cannot be reached: no way through the network leads there.")
    TIMEOUT = "timeout", _("No answer in time.")
    PASSWORD = "password", _("The camera refuses the user name or the password.")
    NOT_FOUND = "not_found", _("The camera does not know this path (404).")
    TRANSPORT = "transport", _("The camera does not offer this transport: try the other of TCP and UDP.")
    SERVER = "server", _("The camera answers with a fault of its own.")
    BROKEN = "broken", _("The connection broke off.")
    ENDED = "ended", _("The camera ended the stream.")
    SILENT = "silent", _("The connection holds, but no picture has come for {seconds} s.")
    CORRUPT = "corrupt", _("The video is damaged: its pictures cannot be decoded.")
    FROZEN = "frozen", _("The picture is frozen: it has not changed for {seconds} s.")
    NOT_VIDEO = "not_video", _("What is there is not a video.")
    EMPTY = "empty", _("There is no picture in this recording.")
    NO_FILE = "no_file", _("No such file or folder.")
    NOT_ALLOWED = "not_allowed", _("The product may not read this file or folder.")
    OWN = "own", _("The product keeps its own pictures there (MEDIA_ROOT): give another file or folder.")
    NO_DEVICE = "no_device", _("No camera is plugged in there.")
    BUSY = "busy", _("Another program is using this camera.")
    OTHER = "other", _("The source failed: {reason}.")


class SourceError(Exception):
    """A source cannot be opened or read; the message says why, without its address or password.

    `fault` tells programs the kind. The message is put into words when it is shown, in the language of then.
    """

    def __init__(self, message: "StrOrPromise", *, fault: Fault = Fault.OTHER) -> None:
        super().__init__(message)
        self.fault = fault


def failure(fault: Fault, **facts: object) -> SourceError:
    """The error for a fault, with its facts filled into the words."""
    words = fault.label
    return SourceError(format_lazy(words, **facts) if facts else words, fault=fault)


_BY_NAME = {
    "HTTPUnauthorizedError": Fault.PASSWORD,
    "HTTPForbiddenError": Fault.PASSWORD,
    "HTTPNotFoundError": Fault.NOT_FOUND,
    "HTTPServerError": Fault.SERVER,
    "InvalidDataError": Fault.NOT_VIDEO,
    # How PyAV's time-outs show: "Immediate exit requested".
    "ExitError": Fault.TIMEOUT,
}
_BY_NUMBER = {
    errno.ECONNREFUSED: Fault.REFUSED,
    errno.EHOSTUNREACH: Fault.UNREACHABLE,
    errno.ENETUNREACH: Fault.UNREACHABLE,
    errno.ETIMEDOUT: Fault.TIMEOUT,
    errno.ECONNRESET: Fault.BROKEN,
    errno.ECONNABORTED: Fault.BROKEN,
    errno.EPIPE: Fault.BROKEN,
    errno.EPROTONOSUPPORT: Fault.TRANSPORT,
    errno.ENOENT: Fault.NO_FILE,
    errno.EACCES: Fault.NOT_ALLOWED,
    errno.EPERM: Fault.NOT_ALLOWED,
    errno.EBUSY: Fault.BUSY,
    errno.ENODEV: Fault.NO_DEVICE,
    errno.ENXIO: Fault.NO_DEVICE,
}


def fault_of(error: Exception) -> Fault:
    """The kind of an error of PyAV or of the system."""
    by_name = _BY_NAME.get(type(error).__name__)
    if by_name:
        return by_name
    if isinstance(error, EOFError):
        return Fault.ENDED
    if isinstance(error, TimeoutError):
        return Fault.TIMEOUT
    return _BY_NUMBER.get(getattr(error, "errno", 0) or 0, Fault.OTHER)


def told(error: Exception) -> SourceError:
    """The error in our words."""
    fault = fault_of(error)
    if fault is Fault.OTHER:
        # The text that the system has for the number; never str(error), which may hold the address.
        return failure(fault, reason=getattr(error, "strerror", None) or type(error).__name__)
    return failure(fault)


def _told_while_reading(error: Exception) -> SourceError:
    if fault_of(error) is Fault.NOT_VIDEO:
        return failure(Fault.CORRUPT)
    # Of a connection cut in the middle, FFmpeg says no more than this.
    return failure(Fault.BROKEN) if getattr(error, "errno", 0) == errno.EIO else told(error)


@contextmanager
def plain_errors(*, reading: bool = False) -> Iterator[None]:
    """Errors of PyAV and the system as SourceError. Their chain is cut: it holds address and password.

    `reading`: what was opened was a video and came well so far.
    """
    import av

    try:
        yield
    except (av.error.FFmpegError, OSError) as error:
        raise (_told_while_reading(error) if reading else told(error)) from None
