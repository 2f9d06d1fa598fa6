"""Where one patch of a hand-written Swin looks on the whole feature map, the windows' shift undone."""

import torch
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

import visualizer as viz

GRID, SIZE = 28, 7  # patches along a side, and along a window's


def windows(x: Tensor) -> Tensor:
    """Cut (batch, row, column, channel) into (window, token, channel), as the original repository does."""
    x = x.view(len(x), GRID // SIZE, SIZE, GRID // SIZE, SIZE, -1)
    return x.transpose(2, 3).reshape(-1, SIZE * SIZE, x.shape[-1])


class Block(nn.Module):
    """Attention within windows; what the roll brought side by side must not look at each other."""

    def __init__(self, shift: int, dim: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.shift, self.heads = shift, heads
        self.norm, self.proj = nn.LayerNorm(dim), nn.Linear(dim, dim)
        # q is k: random heads look at what is alike
        self.q, self.v = nn.Linear(dim, dim), nn.Linear(dim, dim)
        parts = torch.bucketize(torch.arange(GRID), torch.tensor([GRID - SIZE, GRID - shift]), right=True)
        parts = windows((3 * parts[:, None] + parts)[None, :, :, None] * (shift > 0))
        self.register_buffer("forbidden", (parts != parts.mT)[:, None])

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, row, column, channel)."""
        cut = windows(torch.roll(self.norm(x), (-self.shift, -self.shift), (1, 2)))
        q, v = (f(cut).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.q, self.v))
        scores = (q @ q.mT * 3).unflatten(0, (len(x), -1)).masked_fill(self.forbidden, -100.0).flatten(0, 1)
        out = self.proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
        out = out.view(len(x), GRID // SIZE, GRID // SIZE, SIZE, SIZE, -1).transpose(2, 3).reshape(x.shape)
        return x + torch.roll(out, (self.shift, self.shift), (1, 2))


photo = load_sample_image("china.jpg")[:400, :400].copy()
pixels = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1
pixels = torch.nn.functional.interpolate(pixels, size=8 * GRID, mode="bilinear")
torch.manual_seed(0)
embed = nn.Conv2d(3, 32, 8, 8)  # yours, with its weights
blocks = nn.Sequential(Block(shift=0), Block(shift=3))

with torch.no_grad(), viz.capture(blocks) as run:
    blocks(embed(pixels).permute(0, 2, 3, 1))

# The recipe itself: the windows stated once, then a patch of the feature map, and its row put back.
axis = run.label("*", windows={"size": SIZE, "shift": "alternate"}, grid=(GRID, GRID)).axis("1")
batch, query = axis.at((11, 14))
(weights,) = axis.put(run["1"][batch, 0, query], batch)  # (28, 28), 0 outside of the query's window
print(f"{(weights > 0).sum()} patches in rows {weights.any(1).nonzero()[:, 0].tolist()}")

figure = viz.plots.row(run.label(image=photo), layer="1", head=0, cell=(11, 14), width="column")
figure.savefig("handwritten_swin.png", dpi=120)
