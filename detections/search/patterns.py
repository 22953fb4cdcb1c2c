"""A search as texts that PostgreSQL looks up in an index: whole plates, LIKE patterns, keys near by."""

from detections.search.criteria import Criteria
from recognition import plates
from recognition.formats import COUNTRY_MARKS
from recognition.likeness import within


def whole(criteria: Criteria) -> list[str]:
    """The plate with and without its country mark, as it may have been read."""
    text, core = criteria.text, plates.core(criteria.text)
    marked = {prefix + core + suffix for prefix, suffix in COUNTRY_MARKS.values()}
    return sorted({text, core} | {form for form in marked if plates.core(form) == core})


def like(criteria: Criteria) -> list[str]:
    """Patterns for LIKE: as given, and with the mark of each country where the pattern leaves none open."""
    text = criteria.text.replace("?", "_").replace("*", "%")
    forms = {text}
    for prefix, suffix in COUNTRY_MARKS.values():
        if suffix and not text.endswith("%"):
            forms.add(text + suffix)
        if prefix and not text.startswith("%"):
            forms.add(prefix + text)
    return sorted(forms)


def near_keys(criteria: Criteria) -> dict[str, int]:
    """The keys that a near miss may have, each with how many edits it takes."""
    edits: dict[str, int] = {}
    for count in range(criteria.max_edits + 1):
        for key in within(criteria.key, count):
            edits.setdefault(key, count)
    return edits
