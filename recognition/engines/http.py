"""An engine on another machine: the picture is posted to it, the reads come back.

The only module of this package that uses the network, and only to the address that it is given. The answer
is the JSON of `python -m recognition read`: `{"reads": [{"text", "confidence", "box", "layout", ...}]}`.
"""

from __future__ import annotations

import http.client
import os
import re
import secrets
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from recognition.engines.pipeline import check_picture
from recognition.engines.registry import EngineError
from recognition.engines.remote_answer import reads_from
from recognition.images import to_jpeg
from recognition.types import RGB, PlateRead

#: Largest answer in bytes; one read takes about 500.
MAX_ANSWER = 1_000_000
_MOST_SECONDS = 120.0
_QUALITY = 92
#: Only such variables may hold the token: who may edit a camera must not be able to send off other secrets.
_TOKEN_NAMES = re.compile(r"RECOGNITION_TOKEN(_[A-Z0-9]+)*")
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


class HttpEngine:
    """A remote engine (see `recognition.engines.Engine`)."""

    name = "http"

    def __init__(self, url: str, *, timeout: float, token: str, min_confidence: float) -> None:
        """Post to `url`, give up after `timeout` seconds, send `token` where there is one."""
        self.version = f"remote engine at {urlsplit(url).hostname}"
        self._url = url
        self._timeout = timeout
        self._token = token
        self._min_confidence = min_confidence
        self._opener = urllib.request.build_opener(_NoRedirects)

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """The plates in the picture, best first. See `Engine.find`; how thorough it is, is its own choice.

        Raises EngineError when the other machine does not answer as it should.
        """
        check_picture(image)
        body = self._post(to_jpeg(image, _QUALITY))
        height, width = image.shape[:2]
        reads = reads_from(body, width=width, height=height)
        return [read for read in reads if read.confidence >= self._min_confidence]

    def warm_up(self) -> None:
        """Nothing: a remote engine that is away for a moment must not keep a worker from starting."""

    def _post(self, jpeg: bytes) -> bytes:
        boundary = secrets.token_hex(16)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="frame.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        data = head.encode() + jpeg + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._url, data, headers)  # noqa: S310 (checked by `build`)
        deadline = time.monotonic() + self._timeout
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return _body(answer, deadline)
        except urllib.error.HTTPError as error:
            error.close()
            raise EngineError(f"The remote engine answered with status {error.code}.") from error
        except TimeoutError as error:
            raise EngineError(f"The remote engine took more than {self._timeout:g} s.") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> EngineError:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return EngineError(f"The remote engine took more than {self._timeout:g} s.")
        return EngineError(f"The remote engine cannot be reached: {reason or type(error).__name__}.")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Pictures and the token go to the configured address and nowhere else."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """Follow none: the status becomes the error."""


def build(
    *, url: str = "", timeout: float = 5.0, token_env: str = "", min_confidence: float = 0.3
) -> HttpEngine:
    """Make the engine. `url` starts with http:// or https://; `timeout` is in seconds.

    `token_env` names an environment variable, RECOGNITION_TOKEN or RECOGNITION_TOKEN_..., whose value is
    sent as a bearer token. Reads below `min_confidence` (0..1) are dropped. Raises EngineError.
    """
    _check_url(url)
    if not _between(timeout, 0.1, _MOST_SECONDS):
        raise EngineError(f"Parameter timeout of engine 'http' must be 0.1 to {_MOST_SECONDS:g} seconds.")
    if not _between(min_confidence, 0, 1):
        raise EngineError("Parameter min_confidence of engine 'http' must be 0 to 1.")
    return HttpEngine(url, timeout=timeout, token=_token(token_env), min_confidence=min_confidence)


def _check_url(url: object) -> None:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not re.fullmatch(r"[\x21-\x7e]+", str(url)):
        raise EngineError(
            "Engine 'http' needs parameter url, an address that starts with http:// or https://"
        )
    if "@" in parts.netloc:
        raise EngineError("Parameter url of engine 'http' must not hold a password: use token_env.")


def _between(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _token(name: object) -> str:
    if name == "":
        return ""
    if not isinstance(name, str) or not _TOKEN_NAMES.fullmatch(name):
        raise EngineError(
            "Parameter token_env of engine 'http' must name an environment variable: RECOGNITION_TOKEN or "
            "RECOGNITION_TOKEN_..."
        )
    token = os.environ.get(name, "").strip()
    if not _TOKEN.fullmatch(token):
        raise EngineError(f"The environment variable {name}, which token_env names, holds no token.")
    return token


def _body(answer: Any, deadline: float) -> bytes:
    """The answer to its end, which must come before the deadline and not be too long."""
    parts: list[bytes] = []
    size = 0
    while chunk := answer.read1(65536):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise EngineError(f"The remote engine's answer is longer than {MAX_ANSWER} bytes.")
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(parts)
