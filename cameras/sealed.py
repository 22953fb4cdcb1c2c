"""Text that is encrypted in the database: addresses of streams, which hold passwords.

Fernet (AES-128-CBC with HMAC-SHA-256) of the package cryptography, with keys derived by HKDF from the texts
in `settings.ENCRYPTION_KEYS`: the first encrypts, all decrypt. Stored text begins with "sealed:", so that
rows of before are told apart. What no key opens is kept as it is and shown as empty.
"""

import base64
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import FieldError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.lookups import Exact

PREFIX = "sealed:"


class Unopened(str):
    """Empty text in place of one that no key opens; saving it keeps what is stored."""

    stored: str

    def __new__(cls, stored: str) -> "Unopened":
        """Stands for the stored text."""
        text = super().__new__(cls, "")
        text.stored = stored
        return text


@lru_cache(maxsize=8)
def _box(texts: tuple[str, ...]) -> MultiFernet:
    def key(text: str) -> bytes:
        derived = HKDF(SHA256(), length=32, salt=None, info=b"anpr sealed text").derive(text.encode())
        return base64.urlsafe_b64encode(derived)

    return MultiFernet([Fernet(key(text)) for text in texts])


def seal(text: str) -> str:
    """The text as it is stored: encrypted with the first key. Empty stays empty."""
    if isinstance(text, Unopened):
        return text.stored
    return PREFIX + _box(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode() if text else ""


def unseal(stored: str) -> str:
    """The text behind what is stored; `Unopened` when no key opens it."""
    if not stored.startswith(PREFIX):
        return stored
    try:
        return _box(tuple(settings.ENCRYPTION_KEYS)).decrypt(stored.removeprefix(PREFIX)).decode()
    except InvalidToken:
        return Unopened(stored)


class SealedField(models.TextField[str, str]):
    """Text that is plain in Python and encrypted in the table, where only emptiness can be asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """`max_length` is that of the plain text."""
        super().__init__(*args, **kwargs)
        if self.max_length:
            self.validators.append(MaxLengthValidator(self.max_length))

    def from_db_value(self, value: str | None, *_args: object) -> str | None:
        """Plain text."""
        return None if value is None else unseal(value)

    def to_python(self, value: Any) -> Any:
        """Plain text, also of what `dumpdata` wrote."""
        value = super().to_python(value)
        return unseal(value) if isinstance(value, str) and value.startswith(PREFIX) else value

    def value_to_string(self, obj: models.Model) -> str:
        """What `dumpdata` writes: encrypted text, so that a dump tells no more than the table."""
        return seal(self.value_from_object(obj))

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Encrypted text."""
        if isinstance(value, Unopened):
            return value.stored
        prepared = super().get_db_prep_save(value, connection)
        # Last of all: `to_python`, which comes before, opens what is sealed.
        return seal(prepared) if isinstance(prepared, str) else prepared


@SealedField.register_lookup
class _Empty(Exact):
    """`field=""` alone: the same text is encrypted otherwise each time, so nothing else ever matches."""

    def get_prep_lookup(self) -> Any:
        """Refuse to compare with anything but empty. Raises FieldError."""
        if self.rhs != "":
            raise FieldError("Encrypted text cannot be searched: only whether it is empty.")
        return super().get_prep_lookup()
