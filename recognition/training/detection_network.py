"""The detector's network (YOLOv8n-pose), its loss, and its running average of weights."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from recognition.training.detection_batches import Batch
from recognition.training.detection_data import ANY_PLATE, BOX, CLASSES, CORNERS, FIRST_VEHICLE, GIVEN, STATE

#: Weights of the parts of the loss: box, class, distribution, corners, whether there are corners.
_GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, pose=6.0, kobj=0.5, overlap_mask=True)
#: Labels of vehicles are noisy: what plates need goes first.
_VEHICLE_WEIGHT = 0.6
_FAR = 1e-6


def build() -> Any:
    """The network with random weights: eight classes, four corners (x, y, visibility)."""
    prepare()
    from ultralytics.nn.tasks import PoseModel

    network = PoseModel("yolov8n-pose.yaml", ch=3, nc=len(CLASSES), data_kpt_shape=(4, 3), verbose=False)
    network.args = _GAINS
    network.names = dict(enumerate(CLASSES))
    return network


def prepare() -> None:
    """Import ultralytics quietly, offline and with the CPU build of torch. Raises ImportError without it."""
    from recognition.engines.torch_compat import prepare_torchvision

    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    prepare_torchvision()


def start_from_fastanpr(network: Any) -> int:
    """Take over what fits of the one-class detector in the package fastanpr; gives the number of tensors.

    Both classes of plates begin as its class "plate". Raises WeightsError without the package.
    """
    import torch

    from recognition.engines.torch_compat import load_yolo
    from recognition.weights import detector_pt

    theirs = load_yolo(detector_pt()).model.float().state_dict()
    ours = network.state_dict()
    taken = 0
    with torch.no_grad():
        for name, value in ours.items():
            given = theirs.get(name)
            if given is None:
                continue
            if given.shape == value.shape:
                value.copy_(given)
            elif ".cv3." in name:
                value[:FIRST_VEHICLE] = given
            taken += 1
    return taken


def load(network: Any, state: Mapping[str, Any]) -> None:
    """Set the weights, whatever their precision. Raises RuntimeError for another network's."""
    network.load_state_dict({name: value.float() for name, value in state.items()})


def tensors(batch: Batch, device: Any) -> tuple[Any, dict[str, Any]]:
    """Pictures as B x 3 x H x W in 0..1, and the targets as ultralytics' losses want them (shares)."""
    import torch

    pictures = torch.from_numpy(batch.pictures).to(device).permute(0, 3, 1, 2)
    pictures = pictures.float().div_(255).contiguous(memory_format=torch.channels_last)
    rows = np.concatenate(batch.targets)
    height, width = batch.pictures.shape[1:3]
    size = np.array((width, height), np.float32)
    box = rows[:, BOX].reshape(-1, 2, 2) / size
    centred = np.concatenate([box.mean(axis=1), box[:, 1] - box[:, 0]], axis=1)
    state = np.repeat(rows[:, STATE, None, None], 4, axis=1)
    corners = np.concatenate([rows[:, CORNERS].reshape(-1, 4, 2) / size, state], axis=2)
    index = np.repeat(np.arange(len(batch.targets)), [len(one) for one in batch.targets])
    return pictures, {
        "batch_idx": torch.from_numpy(index.astype(np.float32)).to(device),
        "cls": torch.from_numpy(rows[:, :1].copy()).to(device),
        "bboxes": torch.from_numpy(centred.astype(np.float32)).to(device),
        "keypoints": torch.from_numpy(corners.astype(np.float32)).to(device),
    }


def settled(outputs: Mapping[str, Any], labels: dict[str, Any], strides: Any) -> dict[str, Any]:
    """The labels with a layout for plates that have none: the one that the network gives more within the box.

    `outputs` are the raw outputs in training. So plates that nobody sorted teach where plates are without
    teaching a wrong layout; the sorted ones teach that.
    """
    import torch
    from ultralytics.utils.tal import make_anchors

    open_ones = (labels["cls"][:, 0] == ANY_PLATE).nonzero()[:, 0]
    settled_labels = dict(labels)
    classes = labels["cls"].clone()
    if len(open_ones):
        points, stride = make_anchors(outputs["feats"], strides, 0.5)
        size = torch.tensor(outputs["feats"][0].shape[:1:-1], device=points.device) * strides[0]
        places = points * stride / size
        boxes = labels["bboxes"][open_ones]
        off = (places[None] - boxes[:, None, :2]).abs() / boxes[:, None, 2:].clamp(min=_FAR)
        inside = off.amax(dim=2) < 0.5
        scores = outputs["scores"].detach()[labels["batch_idx"][open_ones].long(), :FIRST_VEHICLE]
        best = scores.masked_fill(~inside[:, None], -math.inf).amax(dim=2)
        classes[open_ones, 0] = best.argmax(dim=1).float()
    settled_labels["cls"] = classes
    return settled_labels


def criterion(network: Any) -> Any:
    """The loss: callable on raw outputs and labels, gives (five weighted parts, dict of figures).

    Ultralytics' loss for poses, except that corners count by their distance relative to the plate's size, and
    that unlabelled corners count for nothing.
    """
    import torch
    from ultralytics.utils.loss import v8PoseLoss

    class CornerLoss(v8PoseLoss):
        def calculate_keypoints_loss(
            self, masks: Any, target_gt_idx: Any, keypoints: Any, stride_tensor: Any, target_bboxes: Any,
            pred_kpts: Any,
        ) -> tuple[Any, Any]:  # fmt: skip
            wanted = keypoints[masks.nonzero(as_tuple=True)[0], target_gt_idx[masks]]
            strides = stride_tensor.view(1, -1).expand(masks.shape[0], -1)[masks][:, None, None]
            found = pred_kpts[masks]
            state = wanted[..., 2]
            boxes = target_bboxes[masks]
            area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).clamp(min=1.0)
            off = (found[..., :2] * strides - wanted[..., :2]).norm(dim=2) / area.sqrt()[:, None]
            given = (state == GIVEN).float()
            # Square near the target, so that the last tenth of a pixel does not shake the weights.
            near = (off.square() + 0.0004).sqrt() - 0.02
            corners = (near * given).sum() / given.sum().clamp(min=1)
            known = (state >= 0).float()
            there = torch.nn.functional.binary_cross_entropy_with_logits(
                found[..., 2], given, reduction="none"
            )
            return corners, (there * known).sum() / known.sum().clamp(min=1)

    weights = torch.ones(len(CLASSES))
    weights[FIRST_VEHICLE:] = _VEHICLE_WEIGHT
    network.class_weights = weights
    return CornerLoss(network)


class Average:
    """A running average of the weights, which is what gets exported."""

    def __init__(self, network: Any, decay: float = 0.998) -> None:
        """Start as a copy of the network."""
        self.decay = decay
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def update(self, network: Any) -> None:
        """Move towards the network: fast in the first steps, then slowly."""
        import torch

        self.steps += 1
        decay = self.decay * (1 - math.exp(-self.steps / 100))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.state[name].lerp_(value, 1 - decay)
                else:
                    self.state[name].copy_(value)
