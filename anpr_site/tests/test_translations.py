"""French is complete, its typography is right, and the command that keeps it so finds what is missing."""

import shutil
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation

from accounts.templatetags import wording
from anpr_site.management.commands import translations

SPACE, NARROW = wording.SPACE, wording.NARROW_SPACE


def test_french_is_complete_and_compiled() -> None:
    call_command("translations", "--check", stdout=StringIO())


@pytest.fixture
def tree(tmp_path: Path, settings: Any) -> Path:
    """A project of one module and one template, in place of ours."""
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "words.py").write_text('from x import gettext as _\n_("One plate")\n')
    (tmp_path / "templates").mkdir()
    template = '{% load i18n %}\n  {% if a %}\n{% translate "Hello" context "person" %}{% endif %}\n'
    plural = (
        "{% blocktranslate trimmed count n=n %}{{ n }} dog{% plural %}{{ n }} dogs{% endblocktranslate %}"
    )
    (tmp_path / "templates" / "a.html").write_text(template + plural)
    settings.BASE_DIR = tmp_path
    return tmp_path


def faults(tree: Path) -> list[str]:
    return sorted(translations.faults_of(tree, translations.catalogue_path(tree)))


def test_update_collects_code_and_templates_and_check_lists_what_is_left(tree: Path) -> None:
    with pytest.raises(CommandError, match="3 faults"):
        call_command("translations", "--update", stdout=StringIO())
    assert faults(tree) == [
        "untranslated: 'Hello'",
        "untranslated: 'One plate'",
        "untranslated: ('%(n)s dog', '%(n)s dogs')",
    ]


def translate(tree: Path, pairs: dict[str, str]) -> None:
    path = translations.catalogue_path(tree)
    text = path.read_text()
    for found, put in pairs.items():
        assert found in text
        text = text.replace(found, put)
    path.write_text(text)


DONE = {
    'msgid "Hello"\nmsgstr ""': 'msgid "Hello"\nmsgstr "Bonjour"',
    'msgid "One plate"\nmsgstr ""': 'msgid "One plate"\nmsgstr "Une plaque"',
    'msgstr[0] ""\nmsgstr[1] ""': 'msgstr[0] "%(n)s chien"\nmsgstr[1] "%(n)s chiens"',
}


def test_what_is_translated_stays_and_what_is_stale_wrong_or_unused_is_found(tree: Path) -> None:
    with pytest.raises(CommandError):
        call_command("translations", stdout=StringIO())
    translate(tree, DONE)
    assert faults(tree) == ["stale: django.mo was not compiled from django.po"]
    call_command("translations", "--update", stdout=StringIO())
    call_command("translations", "--check", stdout=StringIO())
    before = translations.catalogue_path(tree).read_bytes()
    call_command("translations", "--update", stdout=StringIO())
    assert translations.catalogue_path(tree).read_bytes() == before, "a second run changes nothing"

    translate(tree, {'msgstr "Bonjour"': 'msgstr ""', "%(n)s chiens": "%(m)s chiens"})
    found = faults(tree)
    assert any(fault.startswith("untranslated: 'Hello'") for fault in found)
    assert any(fault.startswith("wrong: ") for fault in found)
    (tree / "accounts" / "words.py").write_text('_("Another plate")\n')
    found = faults(tree)
    assert "not collected: 'Another plate' (accounts/words.py)" in found
    assert "no longer used: 'One plate'" in found


def test_a_fuzzy_string_is_not_good_enough(tree: Path) -> None:
    with pytest.raises(CommandError):
        call_command("translations", stdout=StringIO())
    translate(tree, DONE | {"#: accounts/words.py": "#: accounts/words.py\n#, fuzzy"})
    assert "fuzzy: 'One plate'" in faults(tree)


def test_check_writes_nothing(tree: Path) -> None:
    with pytest.raises(CommandError):
        call_command("translations", "--check", stdout=StringIO())
    assert not (tree / "locale").exists()
    shutil.rmtree(tree / "templates")


def test_french_puts_no_plain_space_before_high_punctuation() -> None:
    with translations.catalogue_path(Path(settings.BASE_DIR)).open("rb") as file:
        catalogue = read_po(file, locale="fr")
    for message in catalogue:
        texts = message.string if isinstance(message.string, tuple | list) else [message.string]
        for text in filter(None, texts if message.id else []):
            for sign in ":;?!»":
                assert f" {sign}" not in text, text
            assert "« " not in text, text
            assert "'" not in text, f"a straight apostrophe: {text}"


MOMENT = datetime(2026, 3, 1, 13, 5, 9, tzinfo=UTC)  # 14:05:09 in Porto-Novo


@pytest.mark.parametrize(
    ("language", "clock", "moment"),
    [
        (
            "fr",
            f"14{SPACE}h{SPACE}05",
            f"1er{SPACE}mars 2026 à 14{SPACE}h{SPACE}05{SPACE}min{SPACE}09{SPACE}s",
        ),
        ("en", "14:05", f"1{SPACE}March 2026 at 14:05:09"),
    ],
)
def test_times_are_written_as_people_write_them(language: str, clock: str, moment: str) -> None:
    with translation.override(language):
        assert wording.clock(MOMENT) == clock
        assert wording.moment(MOMENT) == moment


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=-30), f"14{SPACE}h{SPACE}05"),
        (timedelta(seconds=5), "à l’instant"),
        (timedelta(minutes=2), f"il y a 2{SPACE}min"),
        (timedelta(hours=3), f"il y a 3{SPACE}h"),
        (timedelta(hours=13), "1"),
        (timedelta(days=2), f"1{SPACE}mars à 14{SPACE}h{SPACE}05"),
    ],
)
def test_recent_times_are_relative(ago: timedelta, words: str) -> None:
    with translation.override("fr"):
        assert wording.in_words(MOMENT, MOMENT + ago).startswith(words)


def test_numbers_shares_and_places() -> None:
    with translation.override("fr"):
        assert wording.number(1248) == f"1{NARROW}248"
        assert wording.percent(0.9999) == f"99{SPACE}%"
        assert wording.percent(None) == "–"
        assert wording.coordinates(6.38, -2.71) == f"6,3800°{SPACE}N{SPACE}; 2,7100°{SPACE}O"
        assert wording.worded("motorcycle") == "moto"
        assert wording.worded("<hovercraft>") == "<hovercraft>"
    with translation.override("en"):
        assert wording.number(1248) == "1,248"
        assert wording.percent(0.5) == "50%"
        assert wording.coordinates(-6.38, 2.71) == f"6.3800°{SPACE}S, 2.7100°{SPACE}E"
        assert wording.coordinates(None, None) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h 00"), (90_000, "25 h 00")],
)
def test_how_long_is_told_in_two_units_at_most(seconds: float, words: str) -> None:
    assert wording.lasting(seconds) == words.replace(" ", SPACE)
