"""Count the shapes of the plates labelled by eye: `python -m recognition.training.shapes`.

Writes `recognition/shapes.json` from those rows of `plates.csv` that may be learnt from.
"""

import csv
import json
from collections import Counter
from pathlib import Path

from recognition.shapes import shape_of
from recognition.training.detection_data import held_out
from recognition.training.reader_real import LABELS

_WRITTEN = Path(__file__).parents[1] / "shapes.json"
_SOURCE = "recognition/training/plates.csv without the photographs held out; L is a letter, D a digit"


def main() -> int:
    """Write the file; the exit status."""
    with LABELS.open(encoding="utf-8", newline="") as stream:
        counts = Counter(
            shape_of(row["text"]) for row in csv.DictReader(stream) if not held_out(row["photo"])
        )
    content = {"source": _SOURCE, "counts": dict(counts.most_common())}
    _WRITTEN.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
