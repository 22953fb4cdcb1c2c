"""One row per passage, what officers say of it, photos that wait to be read, cursors of the feed, counts."""

from detections.models.correction import Correction, CorrectionKind, CorrectionQuerySet
from detections.models.feed import FeedCursor
from detections.models.passage import Detection, DetectionQuerySet, Layout, Source, Stay, StayQuerySet
from detections.models.retention import (
    LIMITS,
    CertificateQuerySet,
    DataKind,
    DeletionCertificate,
    Limits,
    RetentionRule,
)
from detections.models.search import SavedSearch, SavedSearchQuerySet, SeenPlate
from detections.models.statistics import HourlyCount
from detections.models.submission import Submission, SubmissionQuerySet, SubmissionStatus

__all__ = [
    "LIMITS",
    "CertificateQuerySet",
    "Correction",
    "CorrectionKind",
    "CorrectionQuerySet",
    "DataKind",
    "DeletionCertificate",
    "Detection",
    "DetectionQuerySet",
    "FeedCursor",
    "HourlyCount",
    "Layout",
    "Limits",
    "RetentionRule",
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
