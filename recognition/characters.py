"""The alphabet of a plate: how any text is brought to A-Z 0-9, and which characters readers mix up."""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

# Each class is named by its digit, and lists every character that dirt, blur or a plate's font turns into
# it. The reasons are geometric; plates of the region use plain sans-serif faces without slashed zeros.
CONFUSABLE_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "0": frozenset("0OQD"),  # closed ovals: the tail of Q and the straight stem of D are lost first
        "1": frozenset("1IL"),  # single upright strokes: the foot of L and the flag of 1 are thin
        "2": frozenset("2Z"),  # same three strokes: only the roundness of the upper one differs
        "5": frozenset("5S"),  # same S curve: only the upper corner differs
        "8": frozenset("8B"),  # two closed loops: only the straight stem of B differs
        "6": frozenset("6G"),  # an open oval with a bar on the lower right
    }
)

TWINS: Mapping[str, str] = MappingProxyType({"0": "O", "O": "0", "1": "I", "I": "1"})
"""Characters that are the very same strokes in many plates' typefaces: only their place tells them apart."""

_DIGITS_OF_TWINS = str.maketrans({char: twin for char, twin in TWINS.items() if twin.isdigit()})
_REPRESENTATIVE = {char: digit for digit, chars in CONFUSABLE_CLASSES.items() for char in chars}
_FOLDED = str.maketrans(_REPRESENTATIVE)
_NOT_OF_PLATES = {code: None for code in range(128) if chr(code) not in ALPHABET}


def normalise(text: str) -> str:
    """The text as plates are stored and compared: upper-case A-Z and 0-9 only.

    Accents are stripped (NFKD), full-width forms and ligatures are spelled out, and everything else
    (spaces, dashes, dots, other scripts) is dropped. Total: any text gives an answer, perhaps "".
    """
    if text.isascii():  # nearly always: a fifth of the time
        return text.upper().translate(_NOT_OF_PLATES)
    spelled_out = unicodedata.normalize("NFKD", text).upper()
    return "".join(char for char in spelled_out if char in ALPHABET)


def fold_characters(text: str) -> str:
    """Each confusable character replaced by the digit that stands for its class; length is kept."""
    return text.translate(_FOLDED)


def without_twins(text: str) -> str:
    """The text with O as 0 and I as 1: texts that differ by twins alone are the same then."""
    return text.translate(_DIGITS_OF_TWINS)


def alternatives(char: str) -> tuple[str, ...]:
    """The other characters of the same confusable class, in alphabetical order; () when there are none."""
    members = CONFUSABLE_CLASSES.get(_REPRESENTATIVE.get(char, ""), frozenset())
    return tuple(sorted(members - {char}))
