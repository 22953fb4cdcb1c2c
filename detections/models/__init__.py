"""One row per passage, the photos that wait to be read, the cursors of the feed, counts."""

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
from detections.models.statistics import HourlyCount
from detections.models.submission import Submission, SubmissionQuerySet, SubmissionStatus

__all__ = [
    "LIMITS",
    "CertificateQuerySet",
    "DataKind",
    "DeletionCertificate",
    "Detection",
    "DetectionQuerySet",
    "FeedCursor",
    "HourlyCount",
    "Layout",
    "Limits",
    "RetentionRule",
    "Source",
    "Stay",
    "StayQuerySet",
    "Submission",
    "SubmissionQuerySet",
    "SubmissionStatus",
]
