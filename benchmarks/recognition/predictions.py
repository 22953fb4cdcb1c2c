"""What contenders read, remembered on disk: a rerun asks only for what is new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import lru_cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import cv2

from benchmarks.recognition.cases import WORK, Case, Guess
from benchmarks.recognition.contenders import contender
from recognition.images import open_image
from recognition.types import RGB

_FOLDER = WORK / "predictions"


def guesses(name: str, cases: Sequence[Case], *, jobs: int = 1) -> list[Guess]:
    """What the contender reads in each case, in `jobs` processes. Raises UnavailableError."""
    version = contender(name).version
    store = _FOLDER / f"{name}.jsonl"
    known = _known(store)
    keys = [_key(version, case) for case in cases]
    missing = [(key, case) for key, case in dict(zip(keys, cases, strict=True)).items() if key not in known]
    if missing:
        _FOLDER.mkdir(parents=True, exist_ok=True)
        with store.open("a", encoding="utf-8") as file:
            for (key, _), guess in zip(
                missing, _asked(name, [case for _, case in missing], jobs), strict=True
            ):
                known[key] = guess
                file.write(json.dumps({"key": key, **asdict(guess)}) + "\n")
                file.flush()
    return [known[key] for key in keys]


@lru_cache(maxsize=8)
def opened(path: Path) -> RGB:
    """A picture, decoded once for the cases that share it."""
    return open_image(path.read_bytes())


def _asked(name: str, cases: Sequence[Case], jobs: int) -> Iterator[Guess]:
    if jobs == 1:
        return (_ask(name, case) for case in cases)
    return _in_processes(name, cases, jobs)


def _in_processes(name: str, cases: Sequence[Case], jobs: int) -> Iterator[Guess]:
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_ask, repeat(name), cases, chunksize=8)


def _ask(name: str, case: Case) -> Guess:
    cv2.setNumThreads(1)
    return contender(name).read(opened(case.picture), case)


def _key(version: str, case: Case) -> str:
    place = [round(value, 2) for value in case.box or ()]
    corners = [round(value, 2) for point in case.polygon or () for value in point]
    what = json.dumps([version, _digest(case.picture), place, corners, case.layout])
    return hashlib.sha256(what.encode()).hexdigest()


@lru_cache(maxsize=16384)
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _known(store: Path) -> dict[str, Guess]:
    if not store.is_file():
        return {}
    found = {}
    for line in store.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        key = row.pop("key")
        found[key] = Guess(**row)
    return found
