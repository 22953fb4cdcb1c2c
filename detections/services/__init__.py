"""The only way in for passages (`record`) and for photos that wait to be read (`submit_photo`)."""

from detections.services.photos import PhotoRefusedError, submit_photo
from detections.services.recording import record, record_one, refusal_of
from detections.services.stays import record_stay

__all__ = ["PhotoRefusedError", "record", "record_one", "record_stay", "refusal_of", "submit_photo"]
