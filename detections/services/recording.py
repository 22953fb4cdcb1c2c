"""`record`: what becomes of each passage. `storing` writes those that meet every rule."""

import itertools
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _

from detections import images
from detections.models import Detection
from detections.passages import NewPassage, Outcome, Refusal, first_refusal, times_taken
from detections.services.storing import Ready, store
from recognition.images import ImageError

logger = logging.getLogger(__name__)


def record(passages: Sequence[NewPassage]) -> list[Outcome]:
    """Validate, store and commit passages; one outcome each, in order.

    Idempotent on `event_id`: a repeat is a "duplicate" and changes nothing. A passage that breaks a rule is
    "rejected" and the others are stored. Nothing else happens in the transaction; consumers of the feed are
    woken after it. Raises what the database or the storage raises; then nothing was stored.

    Give it 1,000 at a time at most: each holds a lock in PostgreSQL until the commit.
    """
    events = [str(passage.event_id) for passage in passages]
    ready: dict[str, Ready] = {}
    first: dict[str, int] = {}
    refused: dict[int, Refusal] = {}
    taken = times_taken()
    for index, (event, passage) in enumerate(zip(events, passages, strict=True)):
        if event in ready:
            continue
        prepared = _prepare(event, passage, taken)
        if isinstance(prepared, Refusal):
            refused[index] = prepared
        else:
            ready[event], first[event] = prepared, index
    # What was stored once stays a repeat, also where today's rules would refuse it.
    known = _known_events(events[index] for index in refused)
    created, stored_before = store(list(ready.values())) if ready else ({}, {})
    found = known | stored_before | created
    outcomes = []
    for index, (event, passage) in enumerate(zip(events, passages, strict=True)):
        if index in refused and event not in known:
            outcomes.append(Outcome(passage.event_id, "rejected", None, refused[index]))
        else:
            new = event in created and first[event] == index
            outcomes.append(Outcome(passage.event_id, "created" if new else "duplicate", found[event]))
    return outcomes


def record_one(passage: NewPassage, *, give_up: threading.Event) -> None:
    """`record` for a camera worker, which nobody sends the passage again: waits while the database is away.

    A storage that fails (disk full) costs the frame, not the passage. A refusal is logged, without the plate.
    Raises the database's error only once `give_up` is set.
    """
    for wait in itertools.chain((0.2, 0.5, 1, 2), itertools.repeat(5)):
        try:
            [outcome] = record([passage])
            break
        except (OperationalError, InterfaceError):
            if give_up.is_set():
                raise
            logger.warning("database away: a passage of camera %s waits", passage.camera.pk)
            connection.close()
            give_up.wait(wait)
        except OSError:
            if passage.frame is None:
                raise
            logger.exception("storage failed: a passage of camera %s has no frame", passage.camera.pk)
            passage = replace(passage, frame=None)
    if outcome.refusal:
        logger.error("passage of camera %s refused: %s", passage.camera.pk, outcome.refusal.code)


def refusal_of(error: ImageError, name: str) -> Refusal:
    """A broken picture told to its sender."""
    messages = {
        "empty": _("The picture is empty."),
        "not_an_image": _("This is not a JPEG, PNG, WebP or BMP picture."),
        "truncated": _("The picture is cut off or damaged: send it again."),
        "too_many_pixels": _("The picture has too many pixels."),
        "too_many_bytes": _("The picture has too many bytes."),
        "too_small": _("The picture is too small to show a plate."),
    }
    return Refusal(name, error.code, messages.get(error.code, _("The picture cannot be read.")))


def _known_events(events: Iterable[str]) -> dict[str, int]:
    wanted = list(events)
    if not wanted:
        return {}
    found = Detection.objects.filter(event_id__in=wanted).values_list("event_id", "pk")
    return {str(event): pk for event, pk in found}


def _prepare(event: str, passage: NewPassage, taken: tuple[datetime, datetime]) -> Ready | Refusal:
    frame, crop = None, None
    try:
        if passage.frame is not None:
            frame = images.check(passage.frame)
    except ImageError as error:
        return refusal_of(error, "frame")
    refusal = first_refusal(passage, (frame.width, frame.height) if frame else None, taken)
    if refusal:
        return refusal
    try:
        if passage.crop is not None:
            crop = images.small(passage.crop)
    except ImageError as error:
        # A tiny crop is of no use, but no reason to lose a passage.
        if error.code != "too_small":
            return refusal_of(error, "crop")
    if crop is None and frame and passage.bounding_box:
        crop = images.cut(frame.data, list(passage.bounding_box))
    return Ready(event, passage, frame, crop)
