"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visualizer.cli.placing import Precision

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="timm:NAME, hf:NAME or hf:FOLDER, or package.module:callable, which gives a torch.nn.Module.",
        show_default=False,
    ),
]
Weights = Annotated[Path | None, typer.Option(help="Take the weights from this file.safetensors.")]
Device = Annotated[
    str | None, typer.Option(metavar="DEVICE", help="Where the model runs: cpu, cuda, cuda:1, mps, … .")
]
Dtype = Annotated[Precision | None, typer.Option("--dtype", help="The numbers that the model is made of.")]
TextToRead = Annotated[str | None, typer.Option("--text", help="What a text model reads.")]
TextPair = Annotated[str | None, typer.Option(help="A second sentence beside --text.")]
Image = Annotated[Path | None, typer.Option(help="What a vision model sees; both with --text.")]
Arrays = Annotated[
    Path | None,
    typer.Option("--input", help="Arrays that the model is called with: file.npy, .npz or .safetensors."),
]
Random = Annotated[
    str | None,
    typer.Option(metavar="SHAPE", help="Random numbers, 1x3x224x224, or ids below 100, 1x16:100."),
]
Json = Annotated[bool, typer.Option("--json", help="For programs to read.")]
Modules = Annotated[
    list[str] | None,
    typer.Option(help="Record only modules whose paths fit, as in '*layers.1?.*'; may be given again."),
]
First = Annotated[int | None, typer.Option(min=1, help="Record only the first calls of each module.")]
Queries = Annotated[str | None, typer.Option(help="'last': keep only each call's last query.")]
Budget = Annotated[str | None, typer.Option(help="Memory that may be held, such as 4GB.")]

RunPath = Annotated[
    str, typer.Argument(metavar="RUN", help="A saved run, such as run.zarr.", show_default=False)
]
Layer = Annotated[
    str | None, typer.Option(help="A layer: its number among the run's paths, from 0, or its path.")
]
By = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN", help="The mean over rows alike in this column, such as head; may be given again."
    ),
]
Sort = Annotated[str | None, typer.Option(help="The column to sort by.")]
Descending = Annotated[bool, typer.Option("--descending", help="The largest first.")]
Top = Annotated[int | None, typer.Option(min=1, help="Only the first rows.")]
Rows = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write the rows here: .csv, .json or .parquet.")
]
File = Annotated[Path, typer.Option("--out", "-o", help="The file to write.", show_default=False)]
Out = Annotated[
    str | None, typer.Option("--out", "-o", metavar="RUN", help="Save the run here, as run.zarr.")
]
Inputs = Annotated[
    bool, typer.Option("--inputs", help="Save what the model read too: pictures and text need it.")
]
