"""Pages of lists that are ordered by a time, newest first."""

from datetime import datetime

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


def is_position(text: str) -> bool:
    """True for a time with its offset, as cursors carry it, in the years that PostgreSQL and Python share."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.tzinfo is not None and 1 < moment.year < 9999


class TimePagination(CursorPagination):
    """Both ways through a list, by a time; never counts. A made-up cursor is a 404."""

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place to go on from; None at the start. Raises NotFound for one that the API never gave."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor and cursor.position is not None and not is_position(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
