"""The plates that pass, right and misread. No Django: several processes draw them at once."""

import json

import numpy as np

from recognition import plates
from recognition.characters import alternatives
from recognition.synthesis.texts import chosen_kinds, random_text


def lines(numbers: range, vehicles: int, seed: int) -> str:
    """Rows of `benchmark_read` for these of the `vehicles`: each right, and misread `vehicles` further on."""
    rng = np.random.default_rng([seed, numbers.start])
    home, abroad = chosen_kinds({"BJ"}), chosen_kinds({"neighbours"})
    rows = []
    for number in numbers:
        drawn = random_text(rng, home if rng.random() < 0.9 else abroad)
        right = plates.normalise(drawn.text)
        kind = "motorcycle" if drawn.layout == "two_line" else "car"
        for place, text in ((number, right), (vehicles + number, _misread(right, rng))):
            sure = [round(0.9 + 0.1 * float(share), 2) for share in rng.random(len(text))]
            confidence = round(sum(sure) / len(sure), 3) if text == right else 0.62
            other = [{"text": text, "likelihood": 0.9}, {"text": right, "likelihood": 0.1}]
            read = (place, text, plates.fold(text), confidence, json.dumps(sure), json.dumps(other))
            rows.append("\t".join(map(str, (*read, drawn.layout, kind))))
    return "\n".join(rows) + "\n"


def _misread(text: str, rng: np.random.Generator) -> str:
    """The text with one confusable character read as another of its class; as it is where there is none."""
    places = [place for place, char in enumerate(text) if alternatives(char)]
    if not places:
        return text
    place = places[int(rng.integers(len(places)))]
    others = alternatives(text[place])
    return text[:place] + others[int(rng.integers(len(others)))] + text[place + 1 :]
