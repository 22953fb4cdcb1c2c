"""Train the plate reader: `python -m recognition.training.reader --minutes 100`.

It may be stopped at any time and goes on with `--resume`; the learning rate follows the share of the minutes
that is used up, and the seed fixes every picture. Several processes learn together, each on batches of its
own: `torchrun --nproc-per-node 2 -m recognition.training.reader`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, distributed
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from recognition.characters import ALPHABET
from recognition.synthesis.samples import stream_seed
from recognition.synthesis.typefaces import missing_packages
from recognition.training.reader_data import (
    COLOURS,
    LAYOUTS,
    UNKNOWN,
    Batch,
    ExampleStream,
    drawn_example,
    straightened,
)
from recognition.training.reader_network import ROWS, STEPS, PlateReaderNet
from recognition.training.reader_real import real_checks, real_examples

_RATE, _LEAST_RATE, _WARM_UP, _DECAY = 2e-3, 2e-5, 300, 0.02
_EMA, _CLIP = 0.9995, 5.0
_SAVE_SECONDS = 240.0
#: Layout and colour are easy beside the text: their loss counts less.
_SIDE_WEIGHT = 0.1


class Trainer:
    """Network, its running average, the optimiser and how far they have come."""

    def __init__(self, seconds: float, *, width: int = 128, rate: float = _RATE) -> None:
        """Train for that many seconds in all, resumed parts together."""
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = new_network(width).to(self.device, memory_format=torch.channels_last)
        self.average = new_network(width).to(self.device, memory_format=torch.channels_last).eval()
        self.average.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=rate, weight_decay=_DECAY, betas=(0.9, 0.98)
        )
        self.seconds, self.used, self.step, self.peak = seconds, 0.0, 0, rate

    def learn(self, batch: Batch) -> float:
        """One step; the text's loss per example."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.net.train()
        loss, text_loss = self._loss(batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), _CLIP)
        self.optimiser.step()
        self.step += 1
        self._follow()
        return text_loss

    def _share_gradients(self) -> None:
        """The mean over all processes, where there are several."""
        if processes() == 1:
            return
        gradients = [value.grad for value in self.net.parameters() if value.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = flat.div_(processes()).split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def spend(self, seconds: float) -> None:
        """Count the time; the clock of the first process goes for all."""
        self.used += seconds
        if processes() > 1:
            clock = torch.tensor(self.used, dtype=torch.float64)
            distributed.broadcast(clock, 0)
            self.used = float(clock)

    def rate(self) -> float:
        """The learning rate now: a short rise, then half a cosine down to the end of the time."""
        progress = min(1.0, self.used / self.seconds)
        falling = _LEAST_RATE + (self.peak - _LEAST_RATE) * 0.5 * (1 + float(np.cos(np.pi * progress)))
        return min(1.0, (self.step + 1) / _WARM_UP) * falling

    def _loss(self, batch: Batch) -> tuple[Tensor, float]:
        crops = torch.from_numpy(batch.crops).to(self.device).permute(0, 3, 1, 2).float() / 255
        with torch.autocast(self.device.type, dtype=torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            characters, layouts, colours = self.net(crops.contiguous(memory_format=torch.channels_last))
        lengths = torch.from_numpy(batch.lengths)
        steps = torch.full_like(lengths, ROWS * STEPS)
        text = functional.ctc_loss(
            characters.transpose(0, 1), torch.from_numpy(batch.texts).to(self.device), steps, lengths,
            reduction="sum", zero_infinity=True,
        ) / len(lengths)  # fmt: skip
        side = self._side(layouts, batch.layouts) + self._side(colours, batch.colours)
        return text + _SIDE_WEIGHT * side, float(text.detach())

    def _side(self, chances: Tensor, truth: Any) -> Tensor:
        wanted = torch.from_numpy(truth).to(self.device)
        counted = (wanted != UNKNOWN).sum().clamp(min=1)
        return functional.nll_loss(chances, wanted, ignore_index=UNKNOWN, reduction="sum") / counted

    def _follow(self) -> None:
        keep = min(_EMA, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            averages, newest = self.average.state_dict(), self.net.state_dict()
            for mine, theirs in zip(averages.values(), newest.values(), strict=True):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - keep)
                else:
                    mine.copy_(theirs)

    def save(self, path: Path) -> None:
        """Write everything needed to go on; the file is complete or not there."""
        state = {
            "net": self.net.state_dict(), "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(), "used": self.used, "step": self.step,
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path, *, weights_only: bool = False) -> None:
        """Go on from a file of `save`; with `weights_only` from its averaged weights, the clock at zero."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.average.load_state_dict(state["average"])
        if weights_only:
            self.net.load_state_dict(state["average"])
            return
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.used, self.step = state["used"], state["step"]


def new_network(width: int = 128) -> PlateReaderNet:
    """The network with its outputs in the order of ALPHABET (after the blank), LAYOUTS and COLOURS."""
    return PlateReaderNet(len(ALPHABET), len(LAYOUTS), len(COLOURS), width)


def greedy(chances: Tensor) -> list[str]:
    """The likeliest step by step: N x steps x classes to texts."""
    texts: list[str] = []
    for row in chances.argmax(dim=2).tolist():
        changes = zip([0, *row[:-1]], row, strict=True)
        kept = [number for before, number in changes if number and number != before]
        texts.append("".join(ALPHABET[number - 1] for number in kept))
    return texts


def exact(net: PlateReaderNet, crops: Any, texts: Sequence[str]) -> float:
    """Share of the crops (N x HEIGHT x WIDTH x 3, RGB) whose text is read whole."""
    device = next(net.parameters()).device
    right = 0
    with torch.inference_mode():
        for first in range(0, len(texts), 64):
            part = torch.from_numpy(crops[first : first + 64]).to(device).permute(0, 3, 1, 2).float() / 255
            read = greedy(net(part)[0])
            right += sum(a == b for a, b in zip(read, texts[first : first + 64], strict=True))
    return right / max(1, len(texts))


def train(
    trainer: Trainer, stream: ExampleStream, checkpoint: Path, checks: dict[str, tuple[Any, list[str]]]
) -> None:
    """Learn until the time is used up; save and report every few minutes."""
    saved, losses = time.monotonic(), []
    first = rank() == 0
    while trainer.used < trainer.seconds:
        started = time.monotonic()
        losses.append(trainer.learn(stream.batch(trainer.step * processes() + rank())))
        trainer.spend(time.monotonic() - started)
        if first and (time.monotonic() - saved >= _SAVE_SECONDS or trainer.step in (200, 1000)):
            report(trainer, float(np.mean(losses[-200:])), checks)
            trainer.save(checkpoint)
            saved = time.monotonic()
    if first:
        trainer.save(checkpoint)
        report(trainer, float(np.mean(losses[-200:] or [0.0])), checks)


def processes() -> int:
    """How many learn together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this one is, from 0."""
    return int(os.environ.get("RANK", "0"))


def report(trainer: Trainer, loss: float, checks: dict[str, tuple[Any, list[str]]]) -> None:
    """One JSON line about the state of the training."""
    figures = {name: round(exact(trainer.average, *check), 4) for name, check in checks.items()}
    line = {"step": trainer.step, "minutes": round(trainer.used / 60, 1), "loss": round(loss, 4),
            "rate": round(trainer.rate(), 6), **figures}  # fmt: skip
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def drawn_check(count: int, layout: int, seed: int) -> tuple[Any, list[str]]:
    """Crops and texts of drawn plates in faces that are never trained on."""
    crops: list[Any] = []
    texts: list[str] = []
    number = 0
    while len(texts) < count:
        one = drawn_example(stream_seed(seed, number), 0.35, "held_out")
        number += 1
        if one.layout == layout:
            crops.append(straightened(one.image, np.array(one.corners)))
            texts.append(one.text)
    return np.stack(crops), texts


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m recognition.training.reader", description=__doc__)
    parser.add_argument("--minutes", type=float, default=100.0, help="time to learn, resumed parts together")
    parser.add_argument("--rate", type=float, default=_RATE, help="the learning rate's peak")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="labelled real crops")
    parser.add_argument("--real", type=float, default=0.25, help="share of real crops in a batch")
    parser.add_argument("--work", type=Path, default=Path("var/training/reader.pt"), help="the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--from", dest="start", type=Path, help="begin with another checkpoint's weights")
    options = parser.parse_args(arguments)
    if missing := missing_packages():
        sys.stderr.write(f"Fewer typefaces without: apt-get install {' '.join(missing)}\n")
    if processes() > 1:
        distributed.init_process_group("gloo", timeout=timedelta(hours=1))
    torch.manual_seed(options.seed)
    # The drawing beside the learning must not fight with it for the cores.
    cv2.setNumThreads(1)
    trainer = Trainer(options.minutes * 60, rate=options.rate)
    if options.resume:
        trainer.load(options.work)
    elif options.start:
        trainer.load(options.start, weights_only=True)
    real = real_examples(options.data, kept_for_checking=False)
    # Plates of two lines are rare among the labelled ones: they count three times.
    real += 2 * [example for example in real if LAYOUTS[example.layout] == "two_line"]
    stream = ExampleStream(options.seed, options.batch, real=real, share=options.real)
    checks: dict[str, tuple[Any, list[str]]] = {}
    if rank() == 0:
        checks = {name: drawn_check(300, layout, 99) for layout, name in enumerate(LAYOUTS)}
        checks |= real_checks(options.data)
    train(trainer, stream, options.work, checks)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
