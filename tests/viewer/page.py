"""What the page computes, in numpy: rows from the manifest's JSON and its arrays, as the protocol says."""

import json

import numpy as np


def told(payload):
    """Return the manifest as it arrives."""
    return json.loads(json.dumps(payload.manifest.to_json(), allow_nan=False))


def array(payload, ref):
    found = payload.blob(ref["name"])
    assert (found.dtype, list(found.shape)) == (ref["dtype"], ref["shape"])
    return found.array() if ref["scales"] is None else found.array() * np.array(ref["scales"], np.float32)


def head_rows(payload, one, batch, head):
    """Return (query, key) of a head."""
    rows, (batches, heads, queries, keys) = one["rows"], one["shape"]
    held = rows["heads"][batch * heads + head]
    if rows["kind"] == "dense":
        return array(payload, held).astype(float)
    scores = array(payload, held["q"]).astype(float) @ array(payload, held["k"]).astype(float).T
    if rows["softcap"]:
        scores = rows["softcap"] * np.tanh(scores / rows["softcap"])
    if rows["bias"]:
        scores = scores + _of_head(array(payload, rows["bias"]), one, batch, head)
    allowed = np.ones((queries, keys), bool)
    if rows["mask"]:
        allowed &= _of_head(array(payload, rows["mask"]), one, batch, head) > 0
    if rows["band"]:
        band = rows["band"]
        offset = np.arange(keys) - (np.arange(queries) + np.array(band["diagonal"]))[:, None]
        allowed &= (band["left"] is None) | (offset >= -(band["left"] or 0))
        allowed &= (band["right"] is None) | (offset <= (band["right"] or 0))
    scores = np.where(allowed, scores, -np.inf)
    sink = rows["sinks"][head] if rows["sinks"] else -np.inf
    top = np.maximum(scores.max(-1, keepdims=True), sink)
    top = np.where(np.isfinite(top), top, 0)
    powers = np.exp(scores - top)
    total = powers.sum(-1, keepdims=True) + np.exp(sink - top)
    return powers / np.where(total == 0, 1, total)


def _of_head(found, one, batch, head):
    return np.broadcast_to(found, one["shape"])[batch, head]
