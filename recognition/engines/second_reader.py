"""A second reader for photographs: RapidOCR's networks, on the plates that our detector found.

Its mistakes are others than those of our reader, so the two together read more than either: of the 201 plates
labelled by eye that nothing was learnt from, our reader alone read .79, this one .83, both together .92. A
stream does without: there the frames are as many views, and time is short.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from recognition.engines.assembly import chars_of
from recognition.engines.detector import Detection
from recognition.engines.pipeline import PlateEngine
from recognition.engines.plate_reader import straightened
from recognition.reading import Spelling, TextLine, spellings_of
from recognition.types import RGB, Layout, PlateRead, Polygon
from recognition.weights import WeightsError

logger = logging.getLogger(__name__)

#: The plate is read with these margins (shares of its sides), and the chances are averaged.
_MARGINS = (0.1, 0.2)
#: Where the rows begin and end, as shares of the plate's height: it is not always cut in the middle.
_WHOLE = (((0.0, 1.0),),)
_CUTS = (((0.0, 0.53), (0.47, 1.0)), ((0.0, 0.48), (0.52, 1.0)))
#: Small plates are enlarged to this height in pixels, at most so many times: of the 201 plates above, .75
#: are read in their upright boxes as they are, .83 straightened and enlarged.
_HEIGHT, _ENLARGED = 96, 4.0


class SecondReader:
    """RapidOCR's text networks, loaded when first asked. Safe to call from several threads."""

    def __init__(self, *, min_confidence: float, threads: int) -> None:
        """Nothing is loaded yet. Reads below `min_confidence` (0..1) are not found by `anywhere`."""
        self._min_confidence, self._threads = min_confidence, threads
        self._engine: PlateEngine | None = None
        self._missing = False
        self._lock = threading.Lock()

    def opinions(self, image: RGB, polygon: Polygon, layout: Layout) -> Iterator[list[Spelling]]:
        """What the plate with these corners may say; then again, each time with one more view of it.

        First its lines are taken to be where the layout says they are, then they are looked for besides: of
        128 crops of two lines, 79 are read by lines found, and 90 by halves cut. Nothing comes when the
        package is missing.
        """
        engine = self._loaded()
        if engine is None:
            return
        close = _view(image, polygon, 0.0)
        cuts = _CUTS if layout == "two_line" else _WHOLE
        height = close.shape[0]
        views = [
            tuple(engine.reader.line(close[round(height * top) : round(height * end)]) for top, end in rows)
            for rows in cuts
        ]
        yield _spellings(views)
        for margin in _MARGINS:
            views.append(engine.plate_lines(_view(image, polygon, margin), close)[0])
            yield _spellings(views)

    def anywhere(self, image: RGB) -> list[PlateRead]:
        """Plates that no detector saw: text anywhere that makes a known format beyond doubt."""
        engine = self._loaded()
        return engine.find(image, thorough=True) if engine else []

    def _loaded(self) -> PlateEngine | None:
        with self._lock:
            if self._engine is None and not self._missing:
                try:
                    from recognition.engines.rapid_reader import RapidReader

                    reader = RapidReader(threads=self._threads)
                except (ImportError, WeightsError) as error:
                    logger.warning("Photographs are read by one reader only: %s", error)
                    self._missing = True
                    return None
                self._engine = PlateEngine(
                    "second", "", _NoBoxes(), reader, min_confidence=self._min_confidence
                )
            return self._engine


def _spellings(views: Sequence[Sequence[TextLine]]) -> list[Spelling]:
    """Each view has an equal say."""
    return [
        Spelling(one.text, one.chance / len(views))
        for lines in views
        for one in spellings_of(chars_of(lines))
    ]


class _NoBoxes:
    def detect(self, image: RGB) -> list[Detection]:
        """Nothing."""
        return []


def _view(image: RGB, polygon: Polygon, margin: float) -> RGB:
    """The plate seen straight on, in its own proportions."""
    a, b, c, d = np.array(polygon, np.float64)
    width = float(np.linalg.norm(b - a + c - d)) / 2
    height = float(np.linalg.norm(d - a + c - b)) / 2
    scale = max(1.0, min(_ENLARGED, _HEIGHT / max(height, 1.0))) * (1 + 2 * margin)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return straightened(image, polygon, margin=margin, size=size)
