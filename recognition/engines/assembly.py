"""From lines of text to the text of one plate: which lines belong to it, in which order."""

from collections.abc import Iterator, Sequence

from recognition.boxes import shared_length
from recognition.reading import CharRead, TextLine, rank
from recognition.types import Layout

#: Lines lower than this share of the tallest are stickers, dealers' names or frames. A Beninese RB mark
#: is about half as high as the number, so it stays. A lone character must be higher: flags get read as 1.
_SMALL_PRINT, _LONE_CHARACTER = 0.36, 0.6
#: Lines that share this much of their height stand side by side.
_SAME_ROW = 0.5
#: Two rows of a plate differ in height at most this much, and are at most this many heights apart.
_HEIGHT_RATIO, _ROW_GAP, _ROW_SHARED_WIDTH = 1.9, 0.9, 0.5
_MAX_UNKNOWN_LENGTH = 10


def plate_lines(lines: Sequence[TextLine]) -> tuple[tuple[TextLine, ...], Layout] | None:
    """The lines of one plate in reading order, and its layout; None when nothing there could be a plate.

    `lines` are those found on the picture of one plate. All rows together are preferred when they make a
    known format, then the best single row that does, then all rows if short enough, then the tallest row.
    """
    rows = list(rows_of(lines))
    if not rows:
        return None
    everything = tuple(line for row in rows for line in row)
    layout: Layout = "two_line" if len(rows) > 1 else "one_line"
    if spells_format(everything):
        return everything, layout
    for row in rows:
        if spells_format(row):
            return tuple(row), "one_line"
    if len(rows) <= 2 and len(text_of(everything)) <= _MAX_UNKNOWN_LENGTH:
        return everything, layout
    return tuple(max(rows, key=lambda row: max(line.height for line in row))), "one_line"


def rows_of(lines: Sequence[TextLine]) -> Iterator[list[TextLine]]:
    """Lines that stand side by side, left to right, one list per row from top to bottom; no small print."""
    tallest = max((line.height for line in lines), default=0.0)
    large = [
        line
        for line in lines
        if line.height >= (_SMALL_PRINT if len(line.chars) > 1 else _LONE_CHARACTER) * tallest
    ]
    large.sort(key=lambda line: -line.height)
    rows: list[list[TextLine]] = []
    for line in large:
        for row in rows:
            if all(_beside(other, line) for other in row):
                row.append(line)
                break
        else:
            rows.append([line])
    for row in sorted(rows, key=lambda row: row[0].span[1]):
        yield sorted(row, key=lambda line: line.span[0])


def stacked_pairs(lines: Sequence[TextLine]) -> Iterator[tuple[TextLine, TextLine]]:
    """Pairs of lines in a whole picture that could be the two rows of one plate: upper, lower."""
    by_height = sorted(lines, key=lambda line: line.span[1])
    for index, upper in enumerate(by_height):
        for lower in by_height[index + 1 :]:
            if _stacked(upper, lower):
                yield upper, lower


def spells_format(lines: Sequence[TextLine]) -> bool:
    """Whether the lines' likeliest spelling fits a known format."""
    return bool(rank(chars_of(lines)).countries)


def text_of(lines: Sequence[TextLine]) -> str:
    """The lines' text in the order given, as the reader saw it."""
    return "".join(line.text for line in lines)


def chars_of(lines: Sequence[TextLine]) -> tuple[CharRead, ...]:
    """The lines' characters in the order given."""
    return tuple(char for line in lines for char in line.chars)


def _beside(first: TextLine, second: TextLine) -> bool:
    # On a tilted plate the upright boxes of two rows share much height, but then they share width too.
    return (
        shared_length(_vertical(first), _vertical(second)) >= _SAME_ROW
        and shared_length(_horizontal(first), _horizontal(second)) < _SAME_ROW
    )


def _stacked(upper: TextLine, lower: TextLine) -> bool:
    heights = sorted((upper.height, lower.height))
    gap = lower.span[1] - upper.span[3]
    return (
        heights[1] <= _HEIGHT_RATIO * heights[0]
        and -0.5 * heights[0] <= gap <= _ROW_GAP * heights[0]
        and shared_length(_horizontal(upper), _horizontal(lower)) >= _ROW_SHARED_WIDTH
    )


def _vertical(line: TextLine) -> tuple[float, float]:
    return line.span[1], line.span[3]


def _horizontal(line: TextLine) -> tuple[float, float]:
    return line.span[0], line.span[2]
