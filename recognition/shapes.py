"""How common the world's shapes of plates are: in which places letters stand and in which digits.

`shapes.json` counts the shapes of the real plates that we labelled by eye (`python -m
recognition.training.shapes` writes it; see the reader's model card for where the photographs are from). Where
two texts look alike, the one that is built like a plate is likelier: I and 1, O and 0, B and 8 are told apart
by their places more than by their pixels. Standard library only.
"""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

#: A shape's chance is this part what was counted, and for the rest what its groups of three make likely, so
#: that no shape is impossible.
_COUNTED = 0.9
#: Counts of one group of three count for at least this much.
_UNSEEN = 0.5


def shape_of(text: str) -> str:
    """The text with every letter as L and every digit as D."""
    return "".join("D" if char.isdigit() else "L" for char in text)


@lru_cache(maxsize=4096)
def commonness(text: str) -> float:
    """How common plates built like the text are, above 0, as a share of the commonest shape's chance."""
    shape = shape_of(text)
    counts = _counts()
    counted = counts.get(shape, 0) / sum(counts.values())
    chance = _COUNTED * counted + (1 - _COUNTED) * _built(shape)
    return min(1.0, chance * sum(counts.values()) / (_COUNTED * max(counts.values())))


def _built(shape: str) -> float:
    """The chance of a shape by its groups of three, from the start to the end."""
    threes, pairs = _groups()
    padded = f"^^{shape}$"
    chance = 1.0
    for end in range(3, len(padded) + 1):
        group = padded[end - 3 : end]
        chance *= (threes.get(group, 0.0) + _UNSEEN) / (pairs.get(group[:2], 0.0) + 3 * _UNSEEN)
    return chance


@cache
def _counts() -> Mapping[str, int]:
    counts: dict[str, int] = json.loads(files("recognition").joinpath("shapes.json").read_text("utf-8"))[
        "counts"
    ]
    return counts


@cache
def _groups() -> tuple[Mapping[str, float], Mapping[str, float]]:
    """How often groups of three and of two come; a shape counts with its square root, that rare ones tell."""
    threes: dict[str, float] = {}
    pairs: dict[str, float] = {}
    for shape, count in _counts().items():
        padded = f"^^{shape}$"
        for end in range(3, len(padded) + 1):
            group = padded[end - 3 : end]
            threes[group] = threes.get(group, 0.0) + count**0.5
            pairs[group[:2]] = pairs.get(group[:2], 0.0) + count**0.5
    return threes, pairs
