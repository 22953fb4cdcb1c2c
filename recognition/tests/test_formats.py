"""Formats: what fits, how collisions are ranked, how plates are shown."""

import pytest

from recognition.formats import (
    PlateFormat,
    all_formats,
    country_likelihoods,
    display,
    find_format,
    layout_of,
    match_formats,
)


@pytest.mark.parametrize("fmt", all_formats(), ids=lambda fmt: f"{fmt.country}-{fmt.category}")
def test_every_format_fits_its_example_and_names_its_source(fmt: PlateFormat) -> None:
    found = {(m.country, m.category) for m in match_formats(fmt.example)}
    assert (fmt.country, fmt.category) in found
    assert fmt.source
    assert fmt.confidence
    assert set(fmt.layouts) <= {"one_line", "two_line"}


def test_there_are_24_formats_of_7_countries() -> None:
    assert len(all_formats()) == 24
    assert {fmt.country for fmt in all_formats()} == {"BJ", "NG", "TG", "NE", "BF", "GH", "CI"}


@pytest.mark.parametrize("text", ["", "BOUTIQUE", "97123456", "BB62", "BBB6232RB", "2A94020"])
def test_other_texts_fit_nothing(text: str) -> None:
    assert match_formats(text) == []


@pytest.mark.parametrize("text", ["2A9402", "GR1220", "11RJ8596", "12CD34", "BB6232RB", "4131EG03"])
def test_a_collision_keeps_every_country_and_adds_up_to_one(text: str) -> None:
    matches = match_formats(text)
    assert len({m.country for m in matches}) >= 2
    assert sum(m.likelihood for m in matches) == pytest.approx(1)
    assert [m.likelihood for m in matches] == sorted((m.likelihood for m in matches), reverse=True)


def test_layout_tells_a_motorcycle_of_benin_from_a_car_of_niger() -> None:
    assert match_formats("2A9402", layout="two_line")[0].country == "BJ"
    assert match_formats("2A9402", layout="one_line")[0].country == "NE"


def test_the_mark_decides_more_than_the_layout() -> None:
    assert match_formats("2A9402RB", layout="one_line")[0].country == "BJ"
    assert match_formats("2A9402RN", layout="two_line")[0].country == "NE"


@pytest.mark.parametrize(
    ("colour", "category"),
    [
        ("white", "private"),
        ("orange", "commercial_taxi_trailer"),
        ("blue", "state_blue"),
        ("red", "state_red"),
    ],
)
def test_the_colour_picks_the_category(colour: str, category: str) -> None:
    assert match_formats("AB1234RB", colour=colour)[0].category == category


@pytest.mark.parametrize("nothing", [None, "", "unknown"])
def test_an_unmeasured_colour_changes_nothing(nothing: str | None) -> None:
    assert match_formats("AB1234RB", colour=nothing) == match_formats("AB1234RB")


def test_country_likelihoods_add_up_categories() -> None:
    totals = country_likelihoods(match_formats("2A9402"))
    assert [country for country, _ in totals] == ["BJ", "NE"]
    assert sum(part for _, part in totals) == pytest.approx(1)


def test_display_groups_a_car_on_one_line_and_a_motorcycle_on_two() -> None:
    assert display("bb6232rb") == ("BB", "6232", "RB")
    assert layout_of("BB6232RB").lines == (("BB", "6232", "RB"),)
    assert layout_of("2A9402RB").lines == (("2A",), ("9402", "RB"))
    assert layout_of("BB6232", layout="two_line").lines == (("BB",), ("6232",))


def test_display_takes_the_colours_of_the_likeliest_format() -> None:
    taxi = layout_of("AN0674RB", colour="orange")
    assert (taxi.country, taxi.category, taxi.bg, taxi.fg) == (
        "BJ",
        "commercial_taxi_trailer",
        "orange",
        "black",
    )


def test_display_of_an_unknown_text_is_one_group() -> None:
    assert layout_of("M-AB 123X").lines == (("MAB123X",),)
    assert layout_of("M-AB 123X").country == ""


def test_find_format_knows_only_what_exists() -> None:
    assert find_format("TG", "all").example == "TG1958DR"
    with pytest.raises(KeyError):
        find_format("BJ", "tractor")
