"""The plate reader's network: one small net for plates of one and of two lines.

A straightened plate of any shape is stretched to HEIGHT x WIDTH. Convolutions turn it into 8 x 40 places; in
every column the net then picks twice what it looks at, once for the upper and once for the lower line (a
plate of one line leaves the lower one empty). The two rows, one behind the other, are one sequence of
2 x 40 steps for CTC, so that neither the split nor the position of a character has to be labelled.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: What the network is given: pixels.
HEIGHT, WIDTH = 64, 160
#: Steps of one row, and rows.
STEPS, ROWS = 40, 2
_HIGH = 8


class Block(nn.Sequential):
    """Convolution 3 x 3, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int | tuple[int, int] = 1) -> None:
        """Channels in and out; the stride in rows and columns."""
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two blocks whose outcome is added to the input."""

    def __init__(self, channels: int) -> None:
        """Channels in and out."""
        super().__init__()
        self.blocks = nn.Sequential(Block(channels, channels), Block(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as the input."""
        return x + self.blocks(x)


class PlateReaderNet(nn.Module):
    """Plates (N x 3 x HEIGHT x WIDTH, RGB, 0..1) to log chances of characters, layouts and colours."""

    def __init__(self, characters: int, layouts: int, colours: int, width: int = 128) -> None:
        """`characters` counts the alphabet without the blank; `width` is the channels of the last stage."""
        super().__init__()
        half, quarter = width // 2, width // 4
        self.early = nn.Sequential(Block(3, quarter, 2), Block(quarter, quarter), Block(quarter, half, 2))
        self.middle = Residual(half)
        self.late = nn.Sequential(Block(half, width, (2, 1)), Residual(width))
        self.look = nn.Conv2d(width, ROWS, 1)
        self.place_high = nn.Parameter(torch.zeros(ROWS, _HIGH))
        self.place = nn.Parameter(torch.randn(1, ROWS * STEPS, width) * 0.02)
        self.context = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.along = nn.Sequential(
            nn.Conv1d(width, width, 5, padding=2, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True)
        )
        self.characters = nn.Linear(width, characters + 1)
        self.layout = nn.Linear(width, layouts)
        self.colour = nn.Sequential(
            nn.Linear(half + width, half), nn.ReLU(inplace=True), nn.Linear(half, colours)
        )

    def forward(self, plates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log chances: N x (ROWS * STEPS) x (blank + characters), N x layouts, N x colours."""
        early = self.middle(self.early((plates - 0.5) / 0.25))
        late = self.late(early)
        # N x rows x high x steps: where each row looks in each column.
        looks = torch.softmax(self.look(late) + self.place_high[None, :, :, None], dim=2)
        seen = torch.einsum("nrhw,nchw->nrwc", looks, late)
        rows = seen.reshape(seen.shape[0], ROWS * STEPS, -1)
        rows = self.context(rows + self.place)
        rows = rows + self.along(rows.transpose(1, 2)).transpose(1, 2)
        pooled = rows.mean(dim=1)
        ground = torch.cat([early.mean(dim=(2, 3)), late.mean(dim=(2, 3))], dim=1)
        return (
            torch.log_softmax(self.characters(rows).float(), dim=2),
            torch.log_softmax(self.layout(pooled).float(), dim=1),
            torch.log_softmax(self.colour(ground).float(), dim=1),
        )
