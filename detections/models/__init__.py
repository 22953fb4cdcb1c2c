"""One row per passage, the photos that wait to be read, the cursors of the feed."""

from detections.models.feed import FeedCursor
from detections.models.passage import Detection, DetectionQuerySet, Layout, Source, Stay, StayQuerySet
from detections.models.search import SavedSearch, SavedSearchQuerySet, SeenPlate
from detections.models.submission import Submission, SubmissionQuerySet, SubmissionStatus

__all__ = [
    "Detection",
    "DetectionQuerySet",
    "FeedCursor",
    "Layout",
    "SavedSearch",
    "SavedSearchQuerySet",
    "SeenPlate",
    "Source",
    "Stay",
    "StayQuerySet",
    "Submission",
    "SubmissionQuerySet",
    "SubmissionStatus",
]
