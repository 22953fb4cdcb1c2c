"""Our reader: what a straightened plate says, in one batch for all plates of a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.boxes import around, cut, padded
from recognition.characters import ALPHABET, TWINS
from recognition.engines.ctc import beam_search
from recognition.engines.networks import expect_fact, open_network
from recognition.plates import MAX_PLATE_LENGTH
from recognition.reading import Spelling
from recognition.types import RGB, Layout, Polygon

#: What the network is given: pixels.
HEIGHT, WIDTH = 64, 160
LAYOUTS: tuple[Layout, ...] = ("one_line", "two_line")
#: Surroundings shown on each side, as a share of the plate's own sides.
MARGIN = 0.06
#: A colour less likely than this is not named.
_SURE_COLOUR = 0.6
#: Colours that pass into one another with dirt and light: a doubt between them is none about the rest.
_KIN = {"orange": "yellow", "yellow": "orange"}
#: Plates larger than this many times the network's input are reduced before they are straightened, or
#: strokes between the sampled pixels would be lost.
_OVERSIZE = 1.5
#: How many times likelier a colour is that most pixels have.
_MEASURED = 8.0
#: Texts kept of several crops together.
_KEPT = 16
#: With a twin in place of a character a text is at least this likely; in so many of the likeliest texts.
_TWIN_SHARE, _TWINS_OF = 0.1, 3
#: Crops given to the network at once, to bound memory.
_BATCH = 16


@dataclass(frozen=True, slots=True)
class PlateText:
    """What one crop says: texts with their chances, best first; chances of two lines and of colours."""

    texts: tuple[tuple[str, float], ...]
    two_line: float
    colours: Mapping[str, float]

    @property
    def colour(self) -> str:
        """Name of the background's colour, "" when in doubt."""
        best = max(self.colours, key=lambda name: self.colours[name])
        kin = _KIN.get(best, "")
        return best if self.colours[best] + self.colours.get(kin, 0.0) >= _SURE_COLOUR else ""

    @property
    def raw(self) -> str:
        """The likeliest text, "" when there is none."""
        return self.texts[0][0] if self.texts else ""

    def spellings(self) -> list[Spelling]:
        """The texts as `recognition.reading` weighs them."""
        covered = min(1.0, sum(chance for _, chance in self.texts))
        chances = dict(self.texts)
        for text, chance in self.texts[:_TWINS_OF]:
            for twin in _twins(text):
                chances[twin] = max(chances.get(twin, 0.0), _TWIN_SHARE * chance)
        return [
            # What the beam left out differs in some character, nobody knows in which: all share the doubt.
            Spelling(text, chance, (covered ** (1 / len(text)),) * len(text))
            for text, chance in chances.items()
        ]


def _twins(text: str) -> Iterator[str]:
    for place, char in enumerate(text):
        if char in TWINS:
            yield text[:place] + TWINS[char] + text[place + 1 :]


class PlateReader:
    """The network of `recognition/models/reader.onnx`, or another of its kind."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the network. Raises WeightsError."""
        self._network = open_network(path, threads=threads)
        for name, wanted in (("alphabet", ALPHABET), ("height", str(HEIGHT)), ("width", str(WIDTH))):
            expect_fact(self._network, path, name, wanted)
        expect_fact(self._network, path, "layouts", json.dumps(LAYOUTS))
        self._colours: list[str] = json.loads(self._network.facts.get("colours", "[]"))
        self.version = f"{path.stem} {self._network.facts.get('version', '?')}"

    def read(self, crops: Sequence[RGB]) -> list[PlateText]:
        """What each crop says (HEIGHT x WIDTH x 3, see `straightened`)."""
        texts: list[PlateText] = []
        for start in range(0, len(crops), _BATCH):
            characters, layouts, colours = self._network.run(np.stack(crops[start : start + _BATCH]))
            texts += [
                PlateText(_texts(rows), float(np.exp(layout[1])), self._by_name(colour))
                for rows, layout, colour in zip(characters, layouts, colours, strict=True)
            ]
        return texts

    def _by_name(self, row: NDArray[np.float32]) -> dict[str, float]:
        return {name: float(chance) for name, chance in zip(self._colours, np.exp(row), strict=True)}


def averaged(views: Sequence[PlateText], *, measured: str = "") -> PlateText:
    """What several crops of one plate say together: the mean of their chances.

    `measured` is the colour that most pixels have (see `recognition.colours`), "" when none prevails. It
    makes the colour of that name likelier: of 463 drawn plates the network alone names 458 rightly, with
    this 462.
    """
    texts = _mean([dict(view.texts) for view in views])
    best = sorted(texts.items(), key=lambda item: -item[1])[:_KEPT]
    two_line = sum(view.two_line for view in views) / len(views)
    colours = _mean([view.colours for view in views])
    weighed = {name: chance * (_MEASURED if name == measured else 1) for name, chance in colours.items()}
    total = sum(weighed.values()) or 1.0
    return PlateText(tuple(best), two_line, {name: weight / total for name, weight in weighed.items()})


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: sum(row.get(name, 0.0) for row in rows) / len(rows) for name in names}


def straightened(
    image: RGB, polygon: Polygon, *, margin: float = MARGIN, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> RGB:
    """The plate with these corners seen straight on, with some ground around it.

    `size` is width and height in pixels, as our network wants it unless told otherwise. What would lie
    outside the picture is filled with the picture's edge.
    """
    import cv2

    wide, high = size
    points = _grown(np.array(polygon, np.float64), margin)
    sides = np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1)
    shrink = np.maximum(1.0, [max(sides[0], sides[2]) / wide, max(sides[1], sides[3]) / high])
    shrink = np.maximum(1.0, shrink / _OVERSIZE)
    height, width = image.shape[:2]
    x1, y1, x2, y2 = padded(around([_polygon(points)]), 0.0, width, height)
    # Some pixels more than needed, so that the edge is not repeated where the picture goes on.
    left, top = max(0, int(x1) - 2), max(0, int(y1) - 2)
    region = cut(image, (left, top, x2 + 3, y2 + 3))
    if shrink.max() > 1:
        reduced = [max(1, round(region.shape[1] / shrink[0])), max(1, round(region.shape[0] / shrink[1]))]
        shrink = np.array([region.shape[1] / reduced[0], region.shape[0] / reduced[1]])
        region = cv2.resize(region, reduced, interpolation=cv2.INTER_AREA)
    # 0 is the edge of the first pixel for corners, its middle for OpenCV.
    source = ((points - (left, top)) / shrink - 0.5).astype(np.float32)
    target = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    flat: RGB = cv2.warpPerspective(region, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    return flat


def _grown(points: NDArray[np.float64], margin: float) -> NDArray[np.float64]:
    across = (points[1] - points[0] + points[2] - points[3]) / 2
    down = (points[3] - points[0] + points[2] - points[1]) / 2
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * margin
    grown: NDArray[np.float64] = points + signs[:, :1] * across + signs[:, 1:] * down
    return grown


def _polygon(points: NDArray[np.float64]) -> Polygon:
    (a, b), (c, d), (e, f), (g, h) = ((float(x), float(y)) for x, y in points)
    return (a, b), (c, d), (e, f), (g, h)


def _texts(rows: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
    return tuple((t, chance) for t, chance in beam_search(rows) if t and len(t) <= MAX_PLATE_LENGTH)
