"""A small vision transformer (ViT) whose attention is written by hand, as in most models' own code.

It knows nothing of this package: the demo points at it from outside.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from visualizer.demo.scenes import GRID, PATCH
from visualizer.errors import require

WEIGHTS = Path(__file__).with_name("digits_vit.safetensors")


class Attention(nn.Module):
    """Multi-head self-attention: (batch, token, channel) to the same."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (channels // heads) ** -0.5
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the tokens; ``attn`` is (batch, head, query, key), its rows sum to 1."""
        batch, tokens, channels = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, channels // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        attn = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1)
        mixed: Tensor = self.proj((attn @ v).transpose(1, 2).reshape(batch, tokens, channels))
        return mixed


class Block(nn.Module):
    """Attention, then two linear layers, each added to what came in."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attn = Attention(channels, heads)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, token, channel)."""
        x = x + self.attn(self.norm1(x))
        summed: Tensor = x + self.mlp(self.norm2(x))
        return summed


class DigitsViT(nn.Module):
    """Say which digit is on the card: scenes (batch, 48, 80) in [0, 1] to logits (batch, 10).

    Its tokens are the class token (CLS) and the 6 × 10 patches of 8 × 8 pixels, row by row.
    """

    def __init__(self, channels: int = 64, heads: int = 4, layers: int = 4) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, channels, PATCH, stride=PATCH)
        self.cls = nn.Parameter(torch.zeros(1, 1, channels))
        self.position = nn.Parameter(0.02 * torch.randn(1, 1 + GRID[0] * GRID[1], channels))
        self.blocks = nn.Sequential(*(Block(channels, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(channels)
        self.classify = nn.Linear(channels, 10)

    def forward(self, scenes: Tensor) -> Tensor:
        """Return logits (batch, 10)."""
        patches = self.embed(scenes[:, None]).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(scenes), -1, -1), patches], dim=1)
        x = self.norm(self.blocks(x + self.position))
        logits: Tensor = self.classify(x[:, 0])
        return logits


def load_digits_vit() -> DigitsViT:
    """Load the trained model that comes with this package, in float32.

    Raises
    ------
    MissingExtraError
        If safetensors is not installed.
    """
    safetensors = require("safetensors.torch", "demo", "The demo's vision model")
    model = DigitsViT()
    model.load_state_dict({name: weight.float() for name, weight in safetensors.load_file(WEIGHTS).items()})
    return model.eval()
