"""Plain geometry of boxes (x1, y1, x2, y2 in pixels) and of lines of text in a picture."""

from collections.abc import Sequence

from recognition.types import RGB, Box, Polygon


def corners(box: Box) -> Polygon:
    """The box as four corners: top left, top right, bottom right, bottom left."""
    x1, y1, x2, y2 = box
    return (x1, y1), (x2, y1), (x2, y2), (x1, y2)


def around(polygons: Sequence[Polygon]) -> Box:
    """The smallest upright box around all corners of one or more polygons."""
    xs = [x for polygon in polygons for x, _ in polygon]
    ys = [y for polygon in polygons for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def padded(box: Box, share: float, width: int, height: int) -> Box:
    """The box grown by that share of its own size on each side, cut at the picture's edges."""
    x1, y1, x2, y2 = box
    dx, dy = (x2 - x1) * share, (y2 - y1) * share
    return max(0.0, x1 - dx), max(0.0, y1 - dy), min(float(width), x2 + dx), min(float(height), y2 + dy)


def cut(image: RGB, box: Box) -> RGB:
    """A copy of the pixels in the box (rounded, cut at the picture's edges, at least one pixel)."""
    height, width = image.shape[:2]
    x1, y1 = min(max(round(box[0]), 0), width - 1), min(max(round(box[1]), 0), height - 1)
    x2, y2 = min(max(round(box[2]), x1 + 1), width), min(max(round(box[3]), y1 + 1), height)
    return image[y1:y2, x1:x2].copy()


def centre(box: Box) -> tuple[float, float]:
    """The middle of the box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def area(box: Box) -> float:
    """Area in square pixels; 0 for an empty box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def overlap(first: Box, second: Box) -> float:
    """Intersection over union, 0 to 1."""
    shared = area(
        (
            max(first[0], second[0]),
            max(first[1], second[1]),
            min(first[2], second[2]),
            min(first[3], second[3]),
        )
    )
    union = area(first) + area(second) - shared
    return shared / union if union > 0 else 0.0


def shared_length(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Overlap of two intervals as a share of the shorter one, 0 to 1."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    shorter = min(first[1] - first[0], second[1] - second[0])
    return max(0.0, shared) / shorter if shorter > 0 else 0.0
