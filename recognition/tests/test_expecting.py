"""Countries to expect tip the scales where a read is in doubt, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from recognition.boxes import corners
from recognition.expecting import ExpectingEngine, expecting
from recognition.formats import match_formats
from recognition.types import RGB, Candidate, PlateRead

BOX = (10.0, 10.0, 90.0, 30.0)


def read(**likelihoods: float) -> PlateRead:
    """A read with these candidates, the likeliest its text."""
    ranked = sorted(likelihoods.items(), key=lambda item: -item[1])
    text, chance = ranked[0]
    return PlateRead(
        text=text, raw_text=text, confidence=chance, detection_confidence=0.9, recognition_confidence=chance,
        box=BOX, polygon=corners(BOX), layout="one_line", char_confidences=(chance,) * len(text),
        candidates=tuple(Candidate(text, chance) for text, chance in ranked),
        countries=tuple(match_formats(text, layout="one_line")),
    )  # fmt: skip


def plate_of(country: str, *others: str) -> str:
    """A text that fits a format of the country and none of the others."""
    texts = {"BJ": "BB6232RB", "TG": "TG1234AB", "NG": "ABC123DE"}
    text = texts[country]
    countries = {match.country for match in match_formats(text)}
    assert country in countries
    assert not countries & set(others)
    return text


def test_a_doubtful_read_becomes_the_expected_countrys() -> None:
    bj, tg = plate_of("BJ", "TG"), plate_of("TG", "BJ")
    weighed = expecting(read(**{bj: 0.5, tg: 0.4}), {"TG"})
    assert (weighed.text, weighed.raw_text) == (tg, bj)
    assert weighed.countries[0].country == "TG"
    assert [one.text for one in weighed.candidates] == [tg, bj]
    assert sum(one.likelihood for one in weighed.candidates) == pytest.approx(0.9)
    assert weighed.confidence == pytest.approx(0.9 * 1.2 / 1.7)
    assert len(weighed.char_confidences) == len(tg)


def test_a_sure_read_stays_and_gets_only_less_sure() -> None:
    bj, tg = plate_of("BJ", "TG"), plate_of("TG", "BJ")
    sure = read(**{bj: 0.9, tg: 0.05})
    weighed = expecting(sure, {"TG"})
    assert weighed.text == bj
    assert weighed.confidence < sure.confidence
    assert expecting(sure, {"BJ"}).confidence > sure.confidence
    assert expecting(sure, {"BJ"}).char_confidences == sure.char_confidences


def test_countries_that_no_candidate_fits_and_reads_without_candidates_change_nothing() -> None:
    sure = read(BB6232RB=0.9, BB6237RB=0.1)
    assert expecting(sure, {"GH"}).confidence == pytest.approx(0.9)
    assert expecting(sure, {"GH"}).text == sure.text
    bare = replace(sure, candidates=())
    assert expecting(bare, {"TG"}) == bare


def test_an_engine_that_expects_gives_its_reads_best_first() -> None:
    bj, tg = plate_of("BJ", "TG"), plate_of("TG", "BJ")
    first, second = read(**{bj: 0.5, tg: 0.4}), read(ZZ999ZZ=0.55)

    class Two:
        """Finds two plates."""

        name, version = "two", "3"

        def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
            return [second, first]

        def warm_up(self) -> None:
            """Nothing to load."""

    engine = ExpectingEngine(Two(), ["TG"])
    found = engine.find(np.zeros((40, 100, 3), np.uint8))
    assert [one.text for one in found] == [tg, "ZZ999ZZ"]
    assert (engine.name, engine.version) == ("two", "3")
