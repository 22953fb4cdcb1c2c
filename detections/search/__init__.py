"""Search of passages: by whole plate, by pattern, by near miss, over a time window, cameras and an area."""

from detections.search.criteria import DEFAULT_WINDOW, Criteria, Mode, SearchRefusedError
from detections.search.dictionary import forget_plates, rebuild
from detections.search.engine import PAGE_SIZE, Found, Match, find
from detections.search.sightings import Place

__all__ = [
    "DEFAULT_WINDOW",
    "PAGE_SIZE",
    "Criteria",
    "Found",
    "Match",
    "Mode",
    "Place",
    "SearchRefusedError",
    "find",
    "forget_plates",
    "rebuild",
]
