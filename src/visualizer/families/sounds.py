"""transformers' models of sound: patches of a spectrogram, and parts of a waveform in seconds."""

from __future__ import annotations

from itertools import accumulate
from math import prod
from typing import Any

from visualizer.axes import Special, Time
from visualizer.families.layouts import Given, Layout, as_side, both, reads, stepped

SAMPLES_A_SECOND = 16_000  # of the waveforms that these models were trained on, all of them
WAVEFORMS = ("Wav2Vec2", "Wav2Vec2Conformer", "Hubert", "WavLM", "UniSpeech", "UniSpeechSat", "Data2VecAudio")


@reads("transformers", "ASTModel")
def spectrogram(module: Any, given: Given) -> Layout:
    """Class and distillation token, then patches of a spectrogram (batch, frame, frequency).

    They overlap: a row begins ``frequency_stride`` after the one before, a column ``time_stride``.
    """
    _, *sides = given["input_values"].shape
    config = module.config
    sides, steps = sides[::-1], (config.frequency_stride, config.time_stride)
    cells = [shortened(side, (config.patch_size, step)) for side, step in zip(sides, steps, strict=True)]
    return Layout(both([Special("CLS"), Special("DIST"), stepped(cells, steps, sides)]))


@reads("transformers", *(f"{name}Model" for name in (*WAVEFORMS, "SEW", "SEWD")))
def waveform(module: Any, given: Given) -> Layout:
    """Parts of a waveform (batch, sample), each as long as the convolutions' strides; SEW pools some more."""
    config = module.config
    steps = list(zip(config.conv_kernel, config.conv_stride, strict=True))
    *_, count = accumulate(steps, shortened, initial=given["input_values"].shape[-1])
    squeezed = getattr(config, "squeeze_factor", 1)
    parts, samples = count // squeezed, squeezed * prod(config.conv_stride)
    sound = [Time(parts, parts * samples / SAMPLES_A_SECOND)]
    return Layout(both(sound, "encoder.*"), output=as_side(sound))


def shortened(length: int, step: tuple[int, int]) -> int:
    """Return how many steps a convolution (kernel, stride) takes along a length."""
    kernel, stride = step
    return (length - kernel) // stride + 1
