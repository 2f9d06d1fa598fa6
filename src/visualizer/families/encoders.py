"""Encoders of other things than text, which decoders look at: transformers' DETRs' image, Whisper's sound."""

from __future__ import annotations

from typing import Any

from visualizer.axes import Grid, Special, Time
from visualizer.families.layouts import Choice, Given, Layout, as_side, both, reads

FRAMES_A_SECOND = 100  # of the spectrograms that Whisper is given, by any of its feature extractors
SHAPE = "shape of the feature map"


@reads("transformers", "DetrSinePositionEmbedding", "ConditionalDetrSinePositionEmbedding")
@reads("transformers", "TableTransformerSinePositionEmbedding")
def position(module: Any, given: Given) -> None:  # noqa: ARG001  # as all
    """Positions are made for a feature map right before it is flattened for the encoder."""
    shape, mask = given.get("shape"), given.get("pixel_mask")
    given.memory[SHAPE] = tuple(shape[-2:]) if shape is not None else tuple(mask.shape[-2:])


@reads("transformers", "DetrEncoder", "ConditionalDetrEncoder", "TableTransformerEncoder")
def detr_encoder(module: Any, given: Given) -> Layout:  # noqa: ARG001  # as all
    """Cells of a feature map."""
    grid = [Grid(*given.memory.pop(SHAPE))]
    return Layout(both(grid), output=as_side(grid))


@reads("transformers", "DeformableDetrEncoder", "Mask2FormerPixelDecoderEncoderOnly")
def deformable_encoder(module: Any, given: Given) -> Layout:  # noqa: ARG001  # as all
    """Cells of the levels of a feature map, level by level; the points that they read are no keys."""
    cells = as_side(Grid(int(h), int(w)) for h, w in given["spatial_shapes_list"])
    return Layout(Choice(cells, None, "layers.*.self_attn"))


@reads("transformers", "DetrDecoder", "ConditionalDetrDecoder", "TableTransformerDecoder")
def detr_decoder(module: Any, given: Given) -> Layout:  # noqa: ARG001  # as all
    """Object queries among themselves; in cross-attention, from them to the cells."""
    count = given["inputs_embeds"].shape[1]
    objects = as_side(Special("object query") for _ in range(count))
    seen = given.tokens_of(given.get("encoder_hidden_states"))
    return Layout(Choice(objects, objects, cross=False), Choice(objects, seen, cross=True))


@reads("transformers", "WhisperEncoder")
@reads("whisper", "AudioEncoder")
def whisper(module: Any, given: Given) -> Layout:
    """Parts of a sound, of two frames of its spectrogram (batch, frequency, frame) each."""
    features = given.get("input_features")
    frames = (given["x"] if features is None else features).shape[-1]
    stride = module.conv1.stride[0] * module.conv2.stride[0]
    sound = [Time(frames // stride, frames / FRAMES_A_SECOND)]
    return Layout(both(sound), output=as_side(sound))
