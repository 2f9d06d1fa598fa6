"""How the attention of a model narrows while it is trained: each head's entropy, every tenth step."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

import visualizer as viz

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)
patches = images.unfold(1, 2, 2).unfold(2, 2, 2).reshape(-1, 16, 4)  # (digit, patch, pixel)
labels = torch.tensor(digits.target)


class Classifier(nn.Module):
    """Your model; nothing in it knows that it is recorded."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.embed, self.position = nn.Linear(4, 32), nn.Parameter(0.5 * torch.randn(16, 32))
        self.encoder, self.classify = nn.TransformerEncoder(layer, 3), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Patches (batch, 16, 4) to logits (batch, 10)."""
        return self.classify(self.encoder(self.embed(x) + self.position).mean(1))


model = Classifier()
optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
session = viz.capture(model, keep="readouts", readouts=["entropy"], every=10)
run = session.start()
for _ in range(300):
    batch = torch.randint(len(labels), (64,))
    loss = cross_entropy(model(patches[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
session.stop()
print(f"loss {loss.item():.2f}; {len(run)} calls, {run.nbytes / 1e6:.1f} MB held")

figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.4), sharey=True, layout="constrained")
for ax, path in zip(axes, run.paths, strict=True):
    calls = run.calls(path)
    by_head = np.array([call.content["entropy"].mean((0, 2)) for call in calls])  # (step, head)
    ax.plot([call.step for call in calls], by_head, linewidth=1, label=[f"head {n}" for n in range(4)])
    ax.axhline(np.log(16), color="0.6", linestyle=":", linewidth=1)  # all 16 patches alike
    ax.set_title(path, fontsize=8)
    ax.set_xlabel("step")
axes[0].set_ylabel("entropy (nats)")
axes[0].legend(fontsize=7, frameon=False, title="dotted: uniform", title_fontsize=7)
figure.savefig("training_loop.png", dpi=90)
