"""Sections of the result, as Markdown for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = ("onnxruntime", "numpy", "opencv-python-headless", "rapidocr", "fastanpr", "easyocr")
_HEAD = """\
# Reading plates

`make bench ARGS="recognition --sets ..."` (`python -m benchmarks recognition`). Real pictures are read from
../shared/data, which is no part of the product; made ones are drawn with fixed seeds and kept in
var/benchmarks.

* **exact**: the whole text right; **folded**: with O as 0 and I as 1; **vehicle**: right but for a country
  mark (RB); **errors**: characters to change, put in or take out, as a share of the truth.
* *On the given box*: the labelled box (or the crop) is given; all others find the plate themselves. *As for
  photographs*, `native` searches at several scales and asks RapidOCR's network where its own is unsure;
  *as in streams* and *alone* it uses its own two networks only.
* Every contender runs on one thread. **times native** is the median time for a picture over that of our own
  engine, or of our own reader for those on the given box, measured by turns on the same pictures.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the result: its heading, Markdown beneath it, and the same figures as plain data."""

    title: str
    lines: Sequence[str]
    figures: Mapping[str, Any]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; every column but the first is aligned to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]


def percent(share: float) -> str:
    """97.5 for 0.975."""
    return f"{100 * share:.1f}"


def write(path: Path, sections: Mapping[str, Section], command: str) -> str:
    """Keep the sections as `path` (.md) and its .json beside it, where older ones of other names stay.

    Gives the Markdown.
    """
    store = path.with_suffix(".json")
    kept: dict[str, Any] = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    run = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "command": command, "machine": machine()}
    for name, section in sections.items():
        kept[name] = {
            "title": section.title, "run": run, "lines": list(section.lines), "figures": dict(section.figures)
        }  # fmt: skip
    text = _HEAD
    for part in kept.values():
        made = part["run"]
        text += "\n".join(["", f"## {part['title']}", "", *part["lines"], ""])
        text += f"\n<sub>{made['date']}; `{made['command']}`; {made['machine']}</sub>\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    return text


def machine() -> str:
    """Processor, cores, Python and packages."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
