"""A search as texts that PostgreSQL looks up in an index: whole plates, LIKE patterns, keys near by."""

from detections.search.criteria import Criteria
from recognition import plates
from recognition.characters import fold_characters
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
    """The keys that a near miss may have, each with how many edits it takes.

    A read with a letter for a digit fits no format, and so its key keeps the mark. One error may lie in the
    mark itself; two are sought beside the likeliest mark only, for there are so many keys.
    """
    marked = [fold_characters(form) for form in plates.marked(criteria.text)]
    edits: dict[str, int] = {}
    for count in range(criteria.max_edits + 1):
        keys = set(within(criteria.key, count))
        for base in marked if count < 2 else marked[:1]:
            head, _key, tail = base.partition(criteria.key)
            keys |= within(base, count) if count < 2 else {head + key + tail for key in keys}
        edits.update((key, count) for key in keys if key not in edits)
    return edits
