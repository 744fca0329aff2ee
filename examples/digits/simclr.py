"""A small SimCLR: two views of each image must find each other among all views of the batch."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from instruments import SIDE

WIDTH = 256
REPRESENTATION = 64
PROJECTION = 32
TEMPERATURE = 0.2
LEARNING_RATE = 1e-3


class Encoder(nn.Module):
    """Images to representations, and those to the projections that the loss compares.

    There is no batch normalisation: within a batch of one instrument it would take the instrument out by itself, and
    what is to be seen here is what the loss does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.represent = nn.Sequential(
            nn.Flatten(),
            nn.Linear(SIDE * SIDE, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, REPRESENTATION),
        )
        self.project = nn.Sequential(nn.ReLU(), nn.Linear(REPRESENTATION, PROJECTION))

    def forward(self, images: Tensor) -> Tensor:
        return functional.normalize(self.project(self.represent(images)), dim=1)


def view(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, scale, shift and blur each image at random, a little, as is done where nobody can model the instrument."""
    count = len(images)
    angle = (torch.rand(count, generator=generator) - 0.5) * math.radians(40)
    scale = 1 + (torch.rand(count, generator=generator) - 0.5) * 0.3
    shift = (torch.rand(count, 2, generator=generator) - 0.5) * 0.5
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.stack([cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]], dim=1).view(count, 2, 3)
    grid = functional.affine_grid(matrix, [count, 1, SIDE, SIDE], align_corners=False)
    turned = functional.grid_sample(images[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    return turned + 0.1 * torch.randn(turned.shape, generator=generator)


def contrast(first: Tensor, second: Tensor) -> Tensor:
    """Return the loss of SimCLR, NT-Xent: each view is to pick its twin among all other views of the batch."""
    both = torch.cat([first, second])
    likeness = both @ both.T / TEMPERATURE
    likeness.fill_diagonal_(-torch.inf)
    twin = torch.arange(len(both)).roll(len(first))
    return functional.cross_entropy(likeness, twin)


def train(epochs: Iterable[Iterable[list[Tensor]]], seed: int) -> Encoder:
    """Train an encoder on the batches of images of each epoch."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    encoder = Encoder()
    optimizer = torch.optim.Adam(encoder.parameters(), lr=LEARNING_RATE)
    for batches in epochs:
        for (images,) in batches:
            loss = contrast(encoder(view(images, generator)), encoder(view(images, generator)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return encoder.eval()
