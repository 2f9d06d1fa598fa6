"""Attention kernels of other libraries, read by the names in their operators' schemas.

Names differ a little between libraries and releases; what is named here is what they mean. An argument that
is given and not known may shape the map, so such a call is refused, and told.

Sources: flash-attn 2 and 3 (`flash_attn_interface.py`, `hopper/flash_api.cpp`), its builds on the kernel hub
and in vLLM (`flash_api_torch_lib.cpp`), xformers (`ops/fmha/flash.py`, `csrc/attention/attention.cpp`),
`torch.nn.attention.varlen`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from visualizer.recorders.dispatcher import Operation

MEANINGS = {
    "query": ("q", "query"),
    "key": ("k", "key"),
    "value": ("v", "value"),
    "scale": ("softmax_scale", "scale"),
    "causal": ("causal", "is_causal"),
    "left": ("window_size_left", "window_left"),
    "right": ("window_size_right", "window_right"),
    "window": ("window_size",),
    "mask_type": ("custom_mask_type",),
    "soft_cap": ("softcap",),
    "slopes": ("alibi_slopes",),
    "sinks": ("s_aux", "learnable_sink"),
    "bias": ("bias",),
    "dropout": ("dropout_p", "p_dropout", "p"),
    "starts_q": ("cu_seqlens_q", "cu_seq_q", "seqstart_q"),
    "starts_k": ("cu_seqlens_k", "cu_seq_k", "seqstart_k"),
    "used_k": ("seqused_k",),
}
"""What an argument means, and what libraries call it; a trailing underscore aside."""

HARMLESS = {
    *("max_seqlen_q", "max_seqlen_k", "max_q", "max_k", "out", "return_softmax", "gen", "zero_tensors"),
    *("compute_log_sumexp", "compute_logsumexp", "enable_gqa", "num_splits", "pack_gqa", "sm_margin"),
    *("scheduler_metadata", "is_rotary_interleaved", "rotary_interleaved", "use_kvsplit", "cp_world_size"),
    *("cp_rank", "seqlens_rotary"),
}
"""Arguments that do not shape the map."""

CACHES = {
    "block_table": "a paged cache of keys",
    "block_tables": "a paged cache of keys",
    "page_table": "a paged cache of keys",
    "kcache": "a cache of keys",
    "k_cache": "a cache of keys",
    "k_new": "a cache of keys that it writes to",
    "leftpad_k": "padding before the keys",
    "kv_batch_idx": "a cache of keys of other batches",
    "seqlens_k": "lengths of a cache of keys",
    "seqlen_k": "lengths of padded keys",
    "seqused_q": "queries that are partly unused",
    "rotary_cos": "a rotary embedding of its own",
    "attention_chunk": "attention in chunks",
    "qv": "queries for the values",
    "q_v": "queries for the values",
    "q_descale": "queries and keys of eight bits",
}
"""Arguments that are known and not read, and what they are."""


class Reading(NamedTuple):
    """The arguments of a call by their meanings, those that were given; or why it cannot be read."""

    given: dict[str, Any]
    refused: str = ""


def read(operation: Operation) -> Reading:
    """Return what the arguments of a call mean."""
    schema = {argument.name: argument for argument in operation.operator._schema.arguments}  # noqa: SLF001
    given: dict[str, Any] = {}
    for name, value in operation.named().items():
        plain = name.rstrip("_")
        meaning = _meaning(plain)
        if meaning is not None:
            given[meaning] = value
        elif plain not in HARMLESS and not _is_idle(value, schema[name]):
            what = CACHES.get(plain, f"an argument that is not known, {name}")
            return Reading(given, f"{operation.operator.name()} was called with {what}")
    missing = [name for name in ("query", "key", "value") if name not in given]
    return Reading(given, f"{operation.operator.name()} has no {missing[0]}" if missing else "")


def _meaning(name: str) -> str | None:
    return next((meaning for meaning, names in MEANINGS.items() if name in names), None)


def _is_idle(value: Any, argument: Any) -> bool:
    """Tell whether an argument has no effect: it is not there, or as it is where nobody gives it."""
    if isinstance(value, torch.Tensor):
        return False
    default = argument.default_value if argument.has_default_value() else None
    return value is None or value is False or value == default
