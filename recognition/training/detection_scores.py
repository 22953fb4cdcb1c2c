"""How well boxes were found: matches with labels, precision, recall and average precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recognition.boxes import overlap
from recognition.types import Box

#: A found box is right when it shares this much with a label (intersection over union).
SAME = 0.5
#: Enough for a box on a plate that is not to be judged by.
_NEAR = 0.3


@dataclass(slots=True)
class Tally:
    """Found boxes of many pictures by score, each right or wrong, and how many there were to find."""

    scores: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    wanted: int = 0

    def add(
        self, found: Sequence[tuple[Box, float]], labels: Sequence[Box], others: Sequence[Box] = ()
    ) -> list[int]:
        """Count one picture; gives for each found box the number of its label, or -1.

        Boxes on one of `others` (real, but not to be judged by) count neither as right nor as wrong.
        """
        matches = matched([box for box, _ in found], labels)
        for (box, score), match in zip(found, matches, strict=True):
            if match >= 0 or all(overlap(box, other) < _NEAR for other in others):
                self.scores.append(score)
                self.right.append(match >= 0)
        self.wanted += len(labels)
        return matches

    def join(self, other: Tally) -> None:
        """Count the other's pictures as well."""
        self.scores += other.scores
        self.right += other.right
        self.wanted += other.wanted

    def at(self, least: float) -> tuple[float, float]:
        """(recall, precision) of the boxes that score `least` or more; 1 where there is nothing to judge."""
        right = [good for score, good in zip(self.scores, self.right, strict=True) if score >= least]
        recall = sum(right) / self.wanted if self.wanted else 1.0
        return recall, sum(right) / len(right) if right else 1.0

    def best_recall(self, least_precision: float) -> tuple[float, float]:
        """(recall, score): the most that is found at that precision, and the score to ask for."""
        order = np.argsort(-np.asarray(self.scores), kind="stable")
        hits = np.cumsum(np.asarray(self.right, bool)[order])
        precise = np.flatnonzero(hits / np.arange(1, len(hits) + 1) >= least_precision)
        if len(precise) == 0 or not self.wanted:
            return 0.0, 1.0
        last = int(precise[-1])
        return float(hits[last]) / self.wanted, float(self.scores[int(order[last])])

    def average_precision(self) -> float:
        """Area under precision over recall (precision made to fall); 0 when nothing was to be found."""
        if not self.wanted or not self.scores:
            return 0.0
        order = np.argsort(-np.asarray(self.scores), kind="stable")
        hits = np.cumsum(np.asarray(self.right, bool)[order])
        precision = hits / np.arange(1, len(hits) + 1)
        falling = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.diff(hits / self.wanted, prepend=0.0) @ falling)


def matched(found: Sequence[Box], labels: Sequence[Box]) -> list[int]:
    """For each found box, best first, the number of the free label that it shares most with, or -1."""
    free = set(range(len(labels)))
    result = []
    for box in found:
        shared, best = max(((overlap(box, labels[number]), number) for number in free), default=(0.0, -1))
        if shared < SAME:
            best = -1
        free.discard(best)
        result.append(best)
    return result
