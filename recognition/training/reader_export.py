"""Turn a checkpoint into the file that is shipped: ONNX, calibrated, weights kept in 16 bits.

`python -m recognition.training.reader_export` writes `recognition/models/reader.onnx`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recognition.characters import ALPHABET
from recognition.training.half_weights import stored_in_half
from recognition.training.reader import Trainer, drawn_check, greedy
from recognition.training.reader_data import COLOURS, LAYOUTS
from recognition.training.reader_network import HEIGHT, WIDTH, PlateReaderNet
from recognition.training.reader_real import real_checks

MODEL = Path(__file__).resolve().parents[1] / "models" / "reader.onnx"
_OPSET = 18


class Shipped(nn.Module):
    """The network as others use it: takes pictures as they are, gives calibrated log chances."""

    def __init__(self, net: PlateReaderNet, temperature: float) -> None:
        """`temperature` divides the log chances of characters (above 1: less sure)."""
        super().__init__()
        self.net = net
        self.temperature = temperature

    def forward(self, plates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """N x HEIGHT x WIDTH x 3 bytes to the three outputs of `PlateReaderNet`."""
        characters, layouts, colours = self.net(plates.permute(0, 3, 1, 2).float() / 255)
        return torch.log_softmax(characters / self.temperature, dim=2), layouts, colours


def export(net: PlateReaderNet, target: Path, *, temperature: float, version: str) -> None:
    """Write the ONNX file; it appears under its name only when complete."""
    import onnx

    shipped = Shipped(net.eval(), temperature).eval()
    example = torch.zeros(2, HEIGHT, WIDTH, 3, dtype=torch.uint8)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        made = Path(folder) / "reader.onnx"
        with warnings.catch_warnings():
            # The newer exporter needs another package; the tracer warns of checks on shapes, which are fixed.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                shipped, (example,), str(made), input_names=["plates"], opset_version=_OPSET, dynamo=False,
                output_names=["characters", "layouts", "colours"],
                dynamic_axes={name: {0: "n"} for name in ("plates", "characters", "layouts", "colours")},
            )  # fmt: skip
        model = stored_in_half(onnx.load(str(made)))
        facts = {"name": "plate-reader", "version": version, "alphabet": ALPHABET,
                 "layouts": json.dumps(LAYOUTS), "colours": json.dumps(COLOURS), "height": str(HEIGHT),
                 "width": str(WIDTH), "temperature": f"{temperature:.3f}"}  # fmt: skip
        onnx.helper.set_model_props(model, facts)
        onnx.save(model, str(made))
        made.replace(target)


def best_temperature(net: PlateReaderNet, crops: Any, texts: Sequence[str]) -> float:
    """The temperature at which "right" and "wrong" are least surprising (log loss of the whole text)."""
    chances = _read(net, crops)
    read = greedy(chances)
    right = np.array([a == b for a, b in zip(read, texts, strict=True)])
    losses = {}
    for temperature in np.arange(0.5, 3.05, 0.1):
        sure = np.clip(likelihoods(chances / float(temperature), read), 1e-6, 1 - 1e-6)
        losses[float(temperature)] = -float(np.where(right, np.log(sure), np.log(1 - sure)).mean())
    return min(losses, key=lambda temperature: losses[temperature])


def likelihoods(scores: Tensor, texts: Sequence[str]) -> NDArray[np.float64]:
    """The chance of each text over all ways to spell it; `scores` (N x steps x classes) need no sum of 1."""
    numbers = torch.tensor([ALPHABET.index(char) + 1 for text in texts for char in text], dtype=torch.long)
    lengths = torch.tensor([len(text) for text in texts])
    steps = torch.full_like(lengths, scores.shape[1])
    chances = torch.log_softmax(scores, dim=2).transpose(0, 1)
    losses = functional.ctc_loss(chances, numbers, steps, lengths, reduction="none")
    return np.asarray((-losses).double().exp().numpy(), np.float64)


def _read(net: PlateReaderNet, crops: Any) -> Tensor:
    parts = []
    with torch.inference_mode():
        for first in range(0, len(crops), 64):
            plates = torch.from_numpy(crops[first : first + 64]).permute(0, 3, 1, 2).float() / 255
            parts.append(net(plates)[0])
    return torch.cat(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m recognition.training.reader_export", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("var/training/reader.pt"), help="the checkpoint")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--version", default="1")
    options = parser.parse_args(arguments)
    trainer = Trainer(1)
    trainer.load(options.work, weights_only=True)
    net = trainer.average.cpu().eval()
    checks: dict[str, tuple[Any, list[str]]] = {
        name: drawn_check(400, layout, 77) for layout, name in enumerate(LAYOUTS)
    }
    if kept := real_checks(options.data).get("kept"):
        checks["kept"] = kept
    crops = np.concatenate([crops for crops, _ in checks.values()])
    texts = [text for _, part in checks.values() for text in part]
    temperature = best_temperature(net, crops, texts)
    export(net, options.out, temperature=temperature, version=options.version)
    state = net.state_dict().items()
    half = {name: value.half() if value.is_floating_point() else value for name, value in state}
    torch.save({"average": half}, options.out.with_suffix(".pt"))
    sys.stdout.write(json.dumps({"model": str(options.out), "temperature": round(temperature, 2)}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
