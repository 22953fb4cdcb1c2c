"""The `.env` of a trial installation: made once, never changed by us again."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

TEMPLATE = """\
# Made by `make run` for a trial on this machine. Yours to change: it is never written again.
# Every setting is described in docs/operations/settings.md.
SECRET_KEY={secret_key}
DEBUG=true
"""


def ensure(path: Path, environ: Mapping[str, str]) -> bool:
    """Create `path` (mode 0600) with a new SECRET_KEY, unless it or a SECRET_KEY in `environ` is there.

    Returns whether it was created.
    """
    if "SECRET_KEY" in environ or "SECRET_KEY_FILE" in environ:
        return False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # URL-safe characters only: "$" or "#" would mean something in such a file.
        file.write(TEMPLATE.format(secret_key=secrets.token_urlsafe(50)))
    return True
