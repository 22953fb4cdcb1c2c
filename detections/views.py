"""Pages about passages: the list, one passage, their pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.contrib.auth.decorators import permission_required
from django.core.files.storage import default_storage
from django.db.models import Model, Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from PIL import Image, UnidentifiedImageError

from accounts.models import User, may
from accounts.views import audit_look, person
from detections import statistics
from detections.corrections import with_corrections
from detections.models import Correction, Detection, Stay
from detections.passages import Refusal

ModelT = TypeVar("ModelT", bound=Model)

PAGE_SIZE = 50
LIVE_SIZE = 14
LATELY = timedelta(days=30)
"""An older photo does not show how a camera stands now; nor are older partitions looked through for one."""
CONTENT_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "bmp": "image/bmp",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TURNED = {5, 6, 7, 8}
"""EXIF orientations that exchange width and height."""


@dataclass(frozen=True)
class Slice(Generic[ModelT]):
    """One page of a list without page numbers: its rows, and the mark where the older ones begin or ""."""

    rows: Sequence[ModelT]
    older: str


def newest_slice(
    queryset: QuerySet[ModelT], *, field: str, before: str, size: int = PAGE_SIZE
) -> Slice[ModelT]:
    """Rows older than the mark `before` ("": from the newest), newest first by `field` and key; no count."""
    if before:
        moment, pk = _read_mark(before)
        earlier = Q(**{f"{field}__lt": moment}) | Q(**{field: moment}, pk__lt=pk)
        # The first condition alone lets the index (and the right partitions) do the work.
        queryset = queryset.filter(Q(**{f"{field}__lte": moment}), earlier)
    rows = list(queryset.order_by(f"-{field}", "-pk")[: size + 1])
    older = ""
    if len(rows) > size:
        last = rows[size - 1]
        older = f"{(getattr(last, field) - _EPOCH) // timedelta(microseconds=1)}-{last.pk}"
    return Slice(rows[:size], older)


def _read_mark(mark: str) -> tuple[datetime, int]:
    try:
        microseconds, pk = (int(part) for part in mark.split("-"))
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except (ValueError, OverflowError) as error:
        raise Http404("unknown place in the list") from error
    if not 0 <= pk < 2**63:
        raise Http404("unknown place in the list")
    return moment, pk


def passages_today(user: User) -> int:
    """How many passages since midnight, local time; 0 for who may see none."""
    today = statistics.Span.days(1, now=timezone.now())
    return statistics.passages_in(today) if may(user, "detections.view_detection") else 0


def for_list(user: User) -> QuerySet[Detection]:
    """Passages with what a row shows, in one query, without the images."""
    return (
        Detection.objects.visible_to(user)
        .newest()
        .select_related("camera")
        .annotate(has_crop=Q(image_data__isnull=False))
    )


def newest_passages(user: User) -> list[Detection]:
    """The newest few with their corrections, for the dashboard."""
    return with_corrections(for_list(user)[:LIVE_SIZE])


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def passage_list(request: HttpRequest) -> HttpResponse:
    """All passages, newest first."""
    before = request.GET.get("before", "")
    page = newest_slice(for_list(person(request)), field="detected_at", before=before)
    with_corrections(page.rows)
    return render(request, "detections/list.html", {"page": page, "first_page": not before})


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def live(request: HttpRequest) -> HttpResponse:
    """Fragment: today's number and the newest passages."""
    user = person(request)
    context = {"passages": newest_passages(user), "passages_today": passages_today(user)}
    return render(request, "detections/_live.html", context)


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One passage: photo, plate as read, what officers said of it, everything known about the read."""
    passage = get_object_or_404(for_list(person(request)).select_related("vehicle"), pk=pk)
    audit_look(request, action="passage.view", target=passage)
    return show(request, passage)


def show(
    request: HttpRequest,
    passage: Detection,
    *,
    typed: dict[str, str] | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a passage; with `typed` and `refusal` after a correction that was not taken."""
    history = list(Correction.objects.of(passage))
    passage.correction = history[0] if history else None
    context = {
        "passage": passage,
        "history": history,
        "typed": typed or {"plate_number": passage.plate_in_force},
        "refusal": refusal,
        "frame_size": frame_size(passage.image_path),
        "stays": Stay.objects.of_passage(passage),
        "characters": list(zip(passage.plate_number, passage.char_confidences, strict=False)),
    }
    return render(request, "detections/detail.html", context, status=status)


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def frame(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The whole photo of a passage."""
    visible = Detection.objects.visible_to(request.user)
    return frame_response(get_object_or_404(visible.only("image_path"), pk=pk).image_path)


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def camera_frame(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The photo of a camera's newest passage that has one, lately."""
    passages = Detection.objects.visible_to(request.user).newest().exclude(image_path="")
    lately = passages.filter(camera_id=pk, detected_at__gte=timezone.now() - LATELY)
    passage = lately.only("image_path").first()
    if passage is None:
        raise Http404("no photo")
    audit_look(request, action="passage.view", target=passage)
    return frame_response(passage.image_path)


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def crop(request: HttpRequest, pk: int) -> HttpResponse:
    """The plate of a passage, cut out."""
    visible = Detection.objects.visible_to(request.user)
    return crop_response(get_object_or_404(visible.only("image_data"), pk=pk).image_data)


def frame_response(path: str) -> HttpResponseBase:
    """A stored photo, to be kept by nobody but this browser. Raises Http404 when it is not there."""
    content_type = CONTENT_TYPES.get(path.rpartition(".")[2].lower())
    if not path or content_type is None or not default_storage.exists(path):
        raise Http404("no photo")
    return _private(FileResponse(default_storage.open(path), content_type=content_type))


def crop_response(data: bytes | memoryview | None) -> HttpResponse:
    """A cut-out plate (JPEG). Raises Http404 when there is none."""
    if not data:
        raise Http404("no crop")
    return _private(HttpResponse(bytes(data), content_type="image/jpeg"))


ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)


def _private(response: ResponseT) -> ResponseT:
    """Pictures never change, but are personal: this browser may keep them for an hour, proxies never."""
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = "inline"
    return response


def frame_size(path: str) -> tuple[int, int] | None:
    """Width and height of a stored photo as browsers show it (EXIF turned); None when it can't be read."""
    if not path or not default_storage.exists(path):
        return None
    try:
        with default_storage.open(path) as file, Image.open(file) as image:
            turned = image.getexif().get(0x0112) in _TURNED
            return (image.height, image.width) if turned else (image.width, image.height)
    except (OSError, UnidentifiedImageError):
        return None
