"""`manage.py translations`: the French catalogue without GNU gettext on the machine (Babel does the work)."""

import io
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import template as django_templates

KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
LANGUAGE = "fr"
APPS = ("accounts", "alerts", "anpr_site", "cameras", "detections", "vehicles")
SKIPPED = {"tests", "migrations"}


class Command(BaseCommand):
    """Collects the strings and compiles the catalogue; with --check it only looks."""

    help = "Collect strings into the French catalogue and compile it; --check writes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--update` is the default."""
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "--check", action="store_true", help="write nothing, fail on what is missing or stale"
        )
        group.add_argument(
            "--update", action="store_true", help="merge new strings into the .po, write the .mo (default)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Update or check, and say what is left to translate."""
        root = Path(settings.BASE_DIR)
        po_path = catalogue_path(root)
        if not options["check"]:
            update(root, po_path)
        faults = list(faults_of(root, po_path))
        for fault in faults:
            self.stdout.write(fault)
        if faults:
            raise CommandError(
                f"{len(faults)} faults in {po_path.relative_to(root)}. Run `manage.py translations`,"
                " translate what is empty, and run it once more."
            )
        self.stdout.write(f"{po_path.relative_to(root)}: complete.")


def catalogue_path(root: Path) -> Path:
    """Where the French .po file is; the .mo stands beside it."""
    return root / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def collect(root: Path) -> Catalog:
    """Every string marked for translation in code and templates."""
    catalog = Catalog(charset="utf-8")
    for path in _sources(root):
        name = path.relative_to(root).as_posix()
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            # What is not a string becomes filler; without its indentation it reads as Python.
            filled = django_templates.templatize(source, origin=name)
            source = "\n".join(line.strip() for line in filled.splitlines())
        options = {"encoding": "utf-8"}
        for line, message, comments, context in extract(
            "python",
            io.BytesIO(source.encode()),
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
            options=options,
        ):
            catalog.add(message, locations=[(name, line)], auto_comments=comments, context=context)
    return catalog


def _sources(root: Path) -> Iterator[Path]:
    for app in APPS:
        for path in sorted((root / app).rglob("*.py")):
            if not SKIPPED.intersection(path.relative_to(root).parts):
                yield path
    yield from sorted((root / "templates").rglob("*.html"))


def update(root: Path, po_path: Path) -> None:
    """Merge the strings of the sources into the .po (nothing is guessed) and compile the .mo."""
    found = collect(root)
    catalog = _read(po_path)
    created, revised = catalog.creation_date, catalog.revision_date
    catalog.update(found, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    # Dates that change at each run would make every run a difference.
    catalog.creation_date, catalog.revision_date = created, revised
    po_path.parent.mkdir(parents=True, exist_ok=True)
    with po_path.open("wb") as file:
        write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False, omit_header=False)
    po_path.with_suffix(".mo").write_bytes(_compiled(_read(po_path)))


def faults_of(root: Path, po_path: Path) -> Iterator[str]:
    """What keeps the catalogue from being complete, one line each."""
    catalog, found = _read(po_path), collect(root)
    known = {_key(message) for message in catalog if message.id}
    wanted = {_key(message): message for message in found if message.id}
    for key in wanted.keys() - known:
        yield f"not collected: {key[1]!r} ({wanted[key].locations[0][0]})"
    for key in known - wanted.keys():
        yield f"no longer used: {key[1]!r}"
    for message in catalog:
        yield from _faults_of_message(catalog, message)
    mo_path = po_path.with_suffix(".mo")
    if not mo_path.is_file() or mo_path.read_bytes() != _compiled(catalog):
        yield f"stale: {mo_path.name} was not compiled from {po_path.name}"


def _faults_of_message(catalog: Catalog, message: Message) -> Iterator[str]:
    if not message.id:
        return
    texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
    if not texts or not all(texts):
        yield f"untranslated: {message.id!r}"
    elif message.fuzzy:
        yield f"fuzzy: {message.id!r}"
    else:
        for error in message.check(catalog):
            yield f"wrong: {message.id!r}: {error}"


def _key(message: Message) -> tuple[str, str]:
    text = message.id[0] if isinstance(message.id, tuple | list) else message.id
    return message.context or "", text


def _read(po_path: Path) -> Catalog:
    if not po_path.is_file():
        return Catalog(locale=LANGUAGE, project="ANPR Bénin", version="1", charset="utf-8", fuzzy=False)
    with po_path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def _compiled(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()
