"""What a row of steps spells: CTC prefix beam search, for networks that read without being told where.

Class 0 is "no character here", class n the n-th character of the alphabet. A run of one class is one
character; the chance of a text is the sum over all ways to lay it out over the steps.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recognition.characters import ALPHABET

#: Texts with the chance that they end in a blank, and that they end in their last character.
_Beam: TypeAlias = dict[str, tuple[float, float]]

_BLANK = 0
#: A text this much less likely than the best is not followed.
_HOPELESS = 1e-6


def beam_search(
    log_chances: NDArray[np.float32], *, width: int = 12, least: float = 1e-3, sure: float = 0.999
) -> list[tuple[str, float]]:
    """The likeliest texts of a row (steps x classes, natural logarithms) with their chances, best first.

    `width` texts are followed; classes less likely than `least` at a step are left out; at a step that is
    blank with more than `sure`, nothing else is looked at. The empty text may be among the answers.
    """
    chances = np.exp(log_chances.astype(np.float64))
    beam: _Beam = {"": (1.0, 0.0)}
    for row in _steps(chances, sure):
        options = [(ALPHABET[c - 1], float(row[c])) for c in np.flatnonzero(row >= least) if c != _BLANK]
        beam = _best(_extended(beam, float(row[_BLANK]), options), width)
    found = [(text, ended + open_) for text, (ended, open_) in beam.items()]
    return sorted(found, key=lambda item: -item[1])


def greedy_text(log_chances: NDArray[np.float32]) -> str:
    """The likeliest class at every step, runs merged, blanks dropped."""
    best = log_chances.argmax(axis=1)
    before = np.concatenate([[_BLANK], best[:-1]])
    return "".join(ALPHABET[c - 1] for c in best[(best != _BLANK) & (best != before)])


def _steps(chances: NDArray[np.float64], sure: float) -> list[NDArray[np.float64]]:
    """The steps that have to be looked at: a stretch of sure blanks is one blank."""
    blank = chances[:, _BLANK] > sure
    kept = ~blank | ~np.concatenate([[False], blank[:-1]])
    return list(chances[kept])


def _extended(beam: _Beam, blank: float, options: list[tuple[str, float]]) -> dict[str, list[float]]:
    longer: dict[str, list[float]] = {}
    for text, (ended, open_) in beam.items():
        total, last = ended + open_, text[-1:]
        entry = longer.setdefault(text, [0.0, 0.0])
        entry[0] += total * blank
        for char, chance in options:
            if char == last:
                # The same class again is the same character, unless a blank stood between.
                entry[1] += open_ * chance
                longer.setdefault(text + char, [0.0, 0.0])[1] += ended * chance
            else:
                longer.setdefault(text + char, [0.0, 0.0])[1] += total * chance
    return longer


def _best(longer: dict[str, list[float]], width: int) -> _Beam:
    kept = sorted(longer.items(), key=lambda item: -(item[1][0] + item[1][1]))[:width]
    floor = _HOPELESS * sum(kept[0][1])
    return {text: (ended, open_) for text, (ended, open_) in kept if ended + open_ > floor}
