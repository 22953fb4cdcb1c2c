"""Correcting a read from its page."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.views import client_address, person
from detections import corrections
from detections.corrections import CorrectedMeanwhileError, CorrectionRefusedError
from detections.models import Correction, CorrectionKind
from detections.passages import Refusal
from detections.views import for_list, show

FIELDS = ("kind", "plate_number", "reason", "case_reference")
CONFLICT, UNPROCESSABLE = 409, 422


@require_POST
@permission_required("detections.add_correction", raise_exception=True)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an officer's word on a read; on an error the page comes again with what was typed."""
    passage = get_object_or_404(for_list(person(request)).select_related("vehicle"), pk=pk)
    typed = {name: request.POST.get(name, "") for name in FIELDS}
    if typed["kind"] not in CorrectionKind.values:
        typed["kind"] = CorrectionKind.CORRECTED
    after = request.POST.get("after", "")
    try:
        correction = corrections.correct(
            passage,
            by=person(request),
            after=int(after) if after.isdecimal() and len(after) < 19 else 0,
            ip_address=client_address(request),
            **typed,
        )
    except CorrectionRefusedError as error:
        return show(request, passage, typed=typed, refusal=error.refusal, status=UNPROCESSABLE)
    except CorrectedMeanwhileError as error:
        refusal = Refusal("", "corrected_meanwhile", _meanwhile(error.correction))
        return show(request, passage, typed=typed, refusal=refusal, status=CONFLICT)
    messages.success(request, _done(correction))
    return redirect("detections:detail", pk)


def _done(correction: Correction) -> str:
    return {
        CorrectionKind.CORRECTED: _("Plate corrected: %(plate)s. The read is kept beside it."),
        CorrectionKind.CONFIRMED: _("Read confirmed: %(plate)s."),
        CorrectionKind.UNREADABLE: _("Noted: nobody can read this plate."),
    }[CorrectionKind(correction.kind)] % {"plate": correction.plate_number}


def _meanwhile(correction: Correction) -> str:
    """Who was first, and with what."""
    return {
        CorrectionKind.CORRECTED: _("%(name)s has corrected this read: %(plate)s. Yours was not stored."),
        CorrectionKind.CONFIRMED: _("%(name)s has confirmed this read: %(plate)s. Yours was not stored."),
        CorrectionKind.UNREADABLE: _("%(name)s has noted that nobody can read it. Yours was not stored."),
    }[CorrectionKind(correction.kind)] % {"name": correction.created_by, "plate": correction.plate_number}
