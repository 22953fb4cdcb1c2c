"""How bodies are read: like DRF, with a limit to nesting."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import parsers
from rest_framework.exceptions import ParseError

MAX_DEPTH = 32
"""Levels of lists and objects in a body; far above what the API knows, far below what the stack bears."""


def too_deep(value: Any, levels: int = MAX_DEPTH) -> bool:
    """True when lists and objects are nested deeper than `levels`. Never recurses itself."""
    nested = [value]
    for _level in range(levels + 1):
        nested = [
            child
            for item in nested
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not nested:
            return False
    return True


class JSONParser(parsers.JSONParser):
    """JSON that nests too deep for the stack is refused like any other broken body."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The body as Python values. Raises ParseError."""
        try:
            value = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deep.")) from error
        if too_deep(value):
            raise ParseError(_("The JSON is nested too deep."))
        return value
