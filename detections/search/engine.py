"""Find passages: plates first, in the dictionary, then the passages of these plates, a page at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from zlib import crc32

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from psycopg2 import errors

from cameras.geometry import polygons_of
from cameras.models import Camera
from cameras.places import cameras_in
from detections.models import Correction, CorrectionKind, Detection
from detections.search import dictionary, patterns, sightings
from detections.search.criteria import Criteria, Mode, SearchRefusedError
from detections.search.sightings import Place, Sighting, Window
from recognition import plates
from recognition.likeness import score, score_of
from recognition.plates import CharComparison

PAGE_SIZE = 50
MOST_PLATES = 2000
"""More plates than that meet a pattern: the passages are read newest first instead. Of near misses the
nearest are taken."""
NEAREST = 12
"""Plates that a result names at most."""
_WHOLE, _APART = 1000, 20
"""Scores are ranked in thousandths; so many bits keep plates of one score apart."""


@dataclass(frozen=True)
class Match:
    """A passage found. `kind`: "same", "confusable" or "edited" plate, or "pattern"; `score` from 0 to 1.

    `plate` is what met the search: the read, or what an officer corrected it to. `characters` holds it
    against the plate that was looked for; () for a pattern.
    """

    passage: Detection
    plate: str
    kind: str
    score: float
    characters: tuple[CharComparison, ...] = ()


@dataclass(frozen=True)
class Found:
    """A page of a result.

    `older` and `newer` are where it goes on, None at an end. `plates` is how many different plates met the
    search, None where that is not known: more than MOST_PLATES; `nearest` names the first of them. `cut`:
    only the nearest plates were taken. `lags`: the newest passages may be missing.
    """

    matches: Sequence[Match]
    older: Place | None = None
    newer: Place | None = None
    plates: int | None = None
    nearest: Sequence[str] = ()
    cut: bool = False
    lags: bool = False


def find(
    criteria: Criteria,
    *,
    passages: QuerySet[Detection],
    place: Place | None = None,
    size: int = PAGE_SIZE,
) -> Found:
    """A page of what meets `criteria` among `passages` (those that the caller may see).

    Whole plates and patterns come newest first; near misses plate by plate, the best score first, newest
    first of each. Raises SearchRefusedError for criteria that break a rule, and when the database takes too
    long.
    """
    criteria.check()
    window = Window(since=criteria.since, until=criteria.until, cameras=cameras_of(criteria))
    if window.cameras == ():
        return Found([], plates=0)
    with _limited():
        known, ranks = _plates(criteria)
        if ranks is None:
            rows = sightings.like(patterns.like(criteria), window, place=place, size=size + 1)
        else:
            rows = sightings.of_plates(ranks, window, place=place, size=size + 1)
    rows, older, newer = _page(rows, place, size)
    cut = criteria.mode == Mode.FUZZY and len(known.plates) > MOST_PLATES
    count = None if ranks is None else len(ranks)
    nearest = sorted(ranks or (), key=lambda plate: (ranks or {})[plate])[:NEAREST]
    matches = _matches(rows, criteria, passages, ranks)
    return Found(matches, older, newer, count, nearest, cut, known.lags)


def cameras_of(criteria: Criteria) -> tuple[int, ...] | None:
    """Keys of the cameras that count: those named and those within the area; None for all."""
    if criteria.area is None:
        return criteria.cameras
    within = set(cameras_in(Camera.objects.all(), polygons_of(criteria.area)).values_list("pk", flat=True))
    if criteria.cameras is not None:
        within &= set(criteria.cameras)
    return tuple(sorted(within))


def _plates(criteria: Criteria) -> tuple[dictionary.Known, Mapping[str, int] | None]:
    """The plates that meet the search, and their ranks; None where a pattern meets too many."""
    if criteria.mode == Mode.EXACT:
        whole = patterns.whole(criteria)
        return dictionary.Known(whole), dict.fromkeys(whole, 0)
    window = {"since": criteria.since, "until": criteria.until}
    if criteria.mode == Mode.WILDCARD:
        known = dictionary.like(patterns.like(criteria), **window, most=MOST_PLATES + 1)
        many = len(known.plates) > MOST_PLATES
        return known, None if many else dict.fromkeys(known.plates, 0)
    known = dictionary.near(patterns.near_keys(criteria), **window, most=MOST_PLATES + 1)
    return known, {plate: _rank(plate, criteria.text) for plate in known.plates[:MOST_PLATES]}


def _rank(plate: str, wanted: str) -> int:
    """By score; plates of one score stay apart, in an order that holds while others come in."""
    lost = _WHOLE - round(score(plate, wanted) * _WHOLE)
    return lost << _APART | crc32(plate.encode()) & ((1 << _APART) - 1)


def _page(
    rows: list[Sighting], place: Place | None, size: int
) -> tuple[list[Sighting], Place | None, Place | None]:
    """The page without the one passage too many that tells whether there are more, and where it goes on."""
    more = len(rows) > size
    if place and place.back:
        rows = rows[-size:]
        before, after = more, bool(rows)
    else:
        rows = rows[:size]
        before, after = bool(place and rows), more
    older = rows[-1].place() if after else None
    newer = rows[0].place(back=True) if before else None
    return rows, older, newer


def _matches(
    rows: Sequence[Sighting],
    criteria: Criteria,
    passages: QuerySet[Detection],
    ranks: Mapping[str, int] | None,
) -> list[Match]:
    """The passages of these rows, in their order, for the rows' own time only.

    One whose read and whose corrected plate both meet the search counts by the corrected one. Where both
    have one rank they have one place, between which a page may end: what is there of them stands for both.
    """
    if not rows:
        return []
    moments = [row.detected_at for row in rows]
    within = passages.filter(detected_at__range=(min(moments), max(moments)))
    stored = within.in_bulk([row.pk for row in rows])
    for pk, word in Correction.objects.newest_of(stored).items():
        stored[pk].correction = word
    by_word = {row.pk for row in rows if row.corrected}
    found = []
    for row in rows:
        passage = stored.get(row.pk)
        if passage is None:
            continue
        said = passage.correction
        right = said.plate_number if said and said.kind == CorrectionKind.CORRECTED else ""
        known = right if right in (ranks or ()) else ""
        elsewhere = row.pk in by_word or bool(known and ranks and ranks[known] != row.rank)
        if row.corrected or not elsewhere:
            found.append(_match(passage, row.corrected or known, criteria))
    return found


def _match(passage: Detection, corrected: str, criteria: Criteria) -> Match:
    plate = corrected or passage.plate_number
    if criteria.mode == Mode.WILDCARD:
        return Match(passage, plate, "pattern", 1.0)
    characters = tuple(plates.compare(plate, criteria.text))
    kinds = {character.kind for character in characters}
    kind = "same" if kinds <= {"same"} else "confusable" if kinds <= {"same", "confusable"} else "edited"
    # An officer's word has no confidences of its own.
    sure = () if corrected else passage.char_confidences
    return Match(passage, plate, kind, score_of(characters, plate, sure), characters)


_LIMITS = "SELECT current_setting('statement_timeout'), current_setting('jit')"
_SET = "SELECT set_config('statement_timeout', %s, true), set_config('jit', %s, true)"


@contextmanager
def _limited() -> Iterator[None]:
    """Ends a statement that takes too long; the settings of the session come back afterwards.

    Without JIT: compiling takes PostgreSQL ten times as long as any of these look-ups.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LIMITS)
            before = cursor.fetchone()
            cursor.execute(_SET, [str(settings.SEARCH_TIMEOUT_MS), "off"])
            yield
            cursor.execute(_SET, before)
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.QueryCanceled):
            raise
        message = _("The search takes too long: give more of the plate, a shorter time or fewer cameras.")
        raise SearchRefusedError("plate", "too_slow", message) from error
