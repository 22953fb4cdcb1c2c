"""Train the detector of plates and vehicles: `python -m recognition.training.detector --minutes 100`.

Runs on the GPU when there is one, else on one thread of the CPU, for the time that it is given. A checkpoint
is written every few minutes, from which `--resume` goes on as if nothing had happened.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recognition.training.detection_batches import Batches
from recognition.training.detection_data import DataError, list_digest, photographs
from recognition.weights import WeightsError

logger = logging.getLogger(__name__)

_CHECKPOINT_SECONDS = 180
_WARM_UP = 60
_CLIP = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run learns. The same plan on the same data sees the same pictures in the same order."""

    minutes: float = 100.0
    batch: int = 16
    sizes: tuple[int, ...] = (352, 416, 480)
    seed: int = 1
    rate: float = 1e-3
    most_steps: int | None = None


class Run:
    """Network, optimiser, average and place in the data of one training."""

    def __init__(self, plan: Plan, batches: Batches) -> None:
        """Start with random weights on the best device there is. Raises ImportError without ultralytics."""
        import torch

        from recognition.training import detection_network as parts

        torch.manual_seed(plan.seed)
        self.plan = plan
        self.batches = batches
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = parts.build().to(self.device, memory_format=torch.channels_last)
        self.step = 0
        self.seconds = 0.0
        self.start()

    def start(self) -> None:
        """Fresh optimiser and average for the network's present weights."""
        import torch

        from recognition.training import detection_network as parts

        matrices = [value for value in self.network.parameters() if value.requires_grad and value.ndim > 1]
        others = [value for value in self.network.parameters() if value.requires_grad and value.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": 5e-3}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=self.plan.rate, betas=(0.9, 0.999))
        self.criterion = parts.criterion(self.network)
        self.average = parts.Average(self.network)

    def rate(self) -> float:
        """The learning rate now: warm-up by steps, then a cosine over the time allowed."""
        spent = min(1.0, self.seconds / (self.plan.minutes * 60))
        if self.plan.most_steps is not None:
            spent = min(1.0, self.step / self.plan.most_steps)
        warm = min(1.0, (self.step + 1) / _WARM_UP)
        return self.plan.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * spent)))

    def advance(self) -> dict[str, float]:
        """One step; gives the loss by part."""
        import torch

        from recognition.training import detection_network as parts

        pictures, labels = parts.tensors(self.batches.at(self.step), self.device)
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        with torch.autocast(self.device.type, torch.bfloat16):
            outputs = self.network(pictures)
        exact = {name: value.float() for name, value in outputs.items() if name != "feats"}
        exact["feats"] = outputs["feats"]
        labels = parts.settled(exact, labels, self.network.stride.to(self.device))
        loss, figures = self.criterion(exact, labels)
        self.optimiser.zero_grad(set_to_none=True)
        (loss.sum() / len(pictures)).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self.optimiser.step()
        self.average.update(self.network)
        self.step += 1
        return {name: float(value) for name, value in figures.items()}

    def save(self, path: Path) -> None:
        """Everything needed to go on, under its name only when complete."""
        import torch

        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".tmp")
        torch.save(
            {
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "average": self.average.state,
                "average_steps": self.average.steps,
                "step": self.step,
                "seconds": self.seconds,
            },
            unfinished,
        )
        unfinished.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint. Raises FileNotFoundError, RuntimeError for another network's."""
        import torch

        saved = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.average.state = saved["average"]
        self.average.steps = saved["average_steps"]
        self.step, self.seconds = saved["step"], saved["seconds"]


def train(run: Run, checkpoint: Path) -> None:
    """Learn until the plan's time or steps are over, writing checkpoints; logs the loss every 20 steps."""
    began = time.monotonic() - run.seconds
    saved = time.monotonic()
    sums: dict[str, float] = {}
    while run.seconds < run.plan.minutes * 60 and run.step != run.plan.most_steps:
        for name, value in run.advance().items():
            sums[name] = sums.get(name, 0.0) + value / 20
        run.seconds = time.monotonic() - began
        if run.step % 20 == 0:
            shown = " ".join(f"{name} {value:.3f}" for name, value in sums.items())
            logger.info("step %d, %.1f min, rate %.5f: %s", run.step, run.seconds / 60, run.rate(), shown)
            sums = {}
        if time.monotonic() - saved > _CHECKPOINT_SECONDS:
            run.save(checkpoint)
            saved = time.monotonic()
    run.save(checkpoint)


def initialise(run: Run, source: str) -> None:
    """Start from "fastanpr", from a file of weights (.pt) or, for "random", from nothing."""
    import torch

    from recognition.training import detection_network as parts

    if source == "fastanpr":
        logger.info("%d tensors from fastanpr", parts.start_from_fastanpr(run.network))
    elif source != "random":
        parts.load(run.network, torch.load(source, map_location="cpu", weights_only=True))
    run.start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    # Read by torch when it is imported: two busy threads can be slower than one.
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    commands = {"train": _train, "evaluate": _evaluate, "export": _export}
    try:
        return commands[options.command](options)
    except (DataError, WeightsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _train(options: argparse.Namespace) -> int:
    import cv2
    import torch

    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    photos = photographs(options.data, "train")
    plan = Plan(options.minutes, options.batch, tuple(options.sizes), options.seed, options.rate)
    run = Run(plan, Batches(photos, seed=plan.seed, batch=plan.batch, sizes=plan.sizes))
    if options.resume:
        run.resume(_checkpoint(options))
    else:
        initialise(run, options.start)
    logger.info("%d photographs (%s), %s", len(photos), list_digest(photos)[:12], run.device)
    train(run, _checkpoint(options))
    return _export(options)


def _evaluate(options: argparse.Namespace) -> int:
    from recognition.training.detection_evaluation import evaluate

    model = options.out / "detector.onnx"
    figures = evaluate(model, options.data, image_size=options.image_size, every=options.every)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 0


def _export(options: argparse.Namespace) -> int:
    """Export the checkpoint's average and ship it when it is better than what is shipped."""
    import torch

    from recognition.training.detection_evaluation import evaluate, merit
    from recognition.training.detection_export import export

    saved = torch.load(_checkpoint(options), map_location="cpu", weights_only=True)
    photos = photographs(options.data, "train")
    facts = {"version": f"{options.version}.{saved['step']}", "data": list_digest(photos)}
    candidate = options.work / "detector.onnx"
    export(saved["average"], candidate, facts)
    figures = evaluate(candidate, options.data, image_size=options.image_size, every=options.every)
    figures |= {"steps": saved["step"], "minutes": round(saved["seconds"] / 60, 1), **facts}
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    note = options.out / "detector.json"
    before = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else None
    if before and merit(before) > merit(figures) and not options.force:
        sys.stdout.write("What is shipped is better and stays.\n")
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    for ending in (".onnx", ".pt"):
        shutil.copyfile(candidate.with_suffix(ending), options.out / f".detector{ending}.tmp")
        (options.out / f".detector{ending}.tmp").replace(options.out / f"detector{ending}")
    note.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _checkpoint(options: argparse.Namespace) -> Path:
    path: Path = options.work / "checkpoint.pt"
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recognition.training.detector", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["train", "evaluate", "export"], default="train")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("recognition/models"), help="what is shipped")
    parser.add_argument("--work", type=Path, default=Path("var/training/detector"), help="checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    learning = parser.add_argument_group("train")
    learning.add_argument("--minutes", type=float, default=100.0)
    learning.add_argument("--batch", type=int, default=16)
    learning.add_argument("--sizes", type=int, nargs="+", default=[352, 416, 480], help="multiples of 32")
    learning.add_argument("--seed", type=int, default=1)
    learning.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    learning.add_argument("--from", dest="start", default="fastanpr", help="fastanpr, random or a .pt")
    learning.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    checking = parser.add_argument_group("evaluate, export")
    checking.add_argument("--image-size", type=int, default=640)
    checking.add_argument("--every", type=int, default=1, help="check each n-th photograph only")
    checking.add_argument("--version", default="1")
    checking.add_argument("--force", action="store_true", help="replace what is shipped by something worse")
    return parser


if __name__ == "__main__":
    sys.exit(main())
