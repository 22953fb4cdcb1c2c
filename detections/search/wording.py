"""A comparison in words."""

from django.utils.translation import gettext as _

from accounts.templatetags.wording import ordinal
from recognition.plates import CharComparison


def explain(character: CharComparison) -> str:
    """One character that differs: "3rd character: B read, 8 possible"; "" for one that does not.

    Places count along the alignment of the two texts, country mark left out.
    """
    sentence = {
        "confusable": _("%(nth)s character: %(read)s read, %(wanted)s possible"),
        "different": _("%(nth)s character: %(read)s read instead of %(wanted)s"),
        "missing": _("%(nth)s character: %(wanted)s is missing from the read"),
        "extra": _("%(nth)s character: %(read)s read, one too many"),
    }.get(character.kind, "")
    names = {"nth": ordinal(character.position), "read": character.read, "wanted": character.listed}
    return sentence % names
