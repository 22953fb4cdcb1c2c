"""Passages in clips: is every vehicle given out once, with its text?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import cv2

from benchmarks.recognition.clips import COUNT, FPS, SEED, Clip, clips
from benchmarks.recognition.contenders import UnavailableError
from benchmarks.recognition.metrics import edits
from benchmarks.recognition.report import Section, percent, table
from recognition.engines import Engine, EngineError, get_engine
from recognition.plates import core
from recognition.tracking import passages
from recognition.types import Frame

_START = datetime(2026, 1, 1, tzinfo=UTC)
#: A passage is that of the vehicle whose plate differs in at most this share of its characters.
_SAME_VEHICLE = 0.4


@dataclass(frozen=True, slots=True)
class Outcome:
    """A clip's vehicles: the texts given out for each, and texts that are no vehicle's."""

    source: str
    plates: tuple[str, ...]
    given: tuple[tuple[str, ...], ...]
    strangers: tuple[str, ...]


def passing(data: Path, engines: Sequence[str], *, limit: int, jobs: int) -> Iterator[tuple[str, Section]]:
    """One section for both kinds of clips. Raises MissingDataError and UnavailableError."""
    made = clips(data, count=limit or COUNT)
    rows, details, figures = [], [], {}
    for title, name in (("native", "native"), ("fastanpr-rapidocr", "rapidocr")):
        if title not in engines:
            continue
        _engine(name)
        # Others are as slow as they are: a few clips will do.
        part = made if name == "native" else made[:: max(1, len(made) // 12)]
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            outcomes = list(pool.map(watched, [name] * len(part), part))
        for source in ("photographs", "drawn"):
            some = [one for one in outcomes if one.source == source]
            rows.append(_row(f"{title}, {source}", some))
            figures[f"{title}, {source}"] = rows[-1][1:]
        if name == "native":
            details = [_told(clip, one) for clip, one in zip(part, outcomes, strict=True) if _wrong(one)]
    heads = ("engine, clips", "clips", "vehicles", "given out once %", "missed", "given out again",
             "no vehicle's", "text exact %", "right but for the mark %")  # fmt: skip
    lines = [
        f"Clips of 1280 x 720 at {FPS} frames a second, H.264, one to three vehicles each, seed {SEED}: "
        "vehicles cut out of held-out photographs with new plates, moving over others; and drawn ones. "
        "`fastanpr-rapidocr` is here the product's engine `rapidocr` with the same tracker, on a part.",
        "",
        *table(heads, rows),
        "",
        *(f"* {line}" for line in details[:25]),
    ]
    yield "clips", Section("Passages in clips", lines, figures)


def watched(engine: str, clip: Clip) -> Outcome:
    """What the tracker gives out for a clip."""
    cv2.setNumThreads(1)
    texts = [passage.read.text for passage in passages(frames(clip.path), _engine(engine))]
    given: list[list[str]] = [[] for _ in clip.plates]
    strangers = []
    for text in texts:
        off, number = min((edits(core(text), core(plate)), n) for n, plate in enumerate(clip.plates))
        if off <= _SAME_VEHICLE * len(core(clip.plates[number])):
            given[number].append(text)
        else:
            strangers.append(text)
    return Outcome(clip.source, clip.plates, tuple(map(tuple, given)), tuple(strangers))


def frames(path: Path) -> Iterator[Frame]:
    """The frames of a clip with their times."""
    import av

    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            at = _START + timedelta(seconds=number / FPS)
            yield Frame(frame.to_ndarray(format="rgb24"), at, number)


def _engine(name: str) -> Engine:
    try:
        return get_engine(name, threads=1)
    except EngineError as error:
        raise UnavailableError(str(error)) from error


def _row(title: str, outcomes: Sequence[Outcome]) -> list[str]:
    pairs = [pair for one in outcomes for pair in zip(one.plates, one.given, strict=True)]
    count = max(1, len(pairs))
    once = sum(len(texts) == 1 for _, texts in pairs)
    missed = sum(not texts for _, texts in pairs)
    again = sum(len(texts) - 1 for _, texts in pairs if texts)
    exact = sum(plate in texts for plate, texts in pairs)
    marked = sum(core(plate) in map(core, texts) for plate, texts in pairs)
    strangers = sum(len(one.strangers) for one in outcomes)
    return [title, str(len(outcomes)), str(len(pairs)), percent(once / count), str(missed), str(again),
            str(strangers), percent(exact / count), percent(marked / count)]  # fmt: skip


def _wrong(one: Outcome) -> bool:
    wanted = tuple((core(plate),) for plate in one.plates)
    return bool(one.strangers) or tuple(tuple(map(core, texts)) for texts in one.given) != wanted


def _told(clip: Clip, one: Outcome) -> str:
    pairs = zip(one.plates, one.given, strict=True)
    told = "; ".join(f"{plate} read {', '.join(texts) or 'nothing'}" for plate, texts in pairs)
    return f"{clip.path.name}: {told}{'; besides ' + ', '.join(one.strangers) if one.strangers else ''}"
