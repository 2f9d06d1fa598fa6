"""A child that streams a run for ever, to be killed: `python killed.py path`; it says when it is ready."""

import sys

import torch

import visualizer as viz


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.k = torch.nn.Buffer(torch.arange(512.0).reshape(1, 2, 16, 16))

    def forward(self, number):
        q = torch.full((1, 2, 4, 16), float(number))
        k = self.k[:, :, : 4 + number % 12]
        return torch.nn.functional.scaled_dot_product_attention(q, k, k)


if __name__ == "__main__":
    model = Model()
    with viz.capture(model, path=sys.argv[1], resume=True) as run:
        number = len(run)
        print("ready", flush=True)
        while True:
            model(number)
            number += 1
