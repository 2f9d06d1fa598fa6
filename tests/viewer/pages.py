"""Pages of one map, written as the protocol says, without the package that is tested elsewhere."""

import base64
import gzip
import json

import numpy as np

QUERIES, KEYS, WIDTH = 7, 11, 5


def factors():
    """Queries and keys of one head, in which row 0 is far from even."""
    random = np.random.default_rng(0)
    return {"q": random.normal(size=(QUERIES, WIDTH)) * 2, "k": random.normal(size=(KEYS, WIDTH))}


def weights():
    """The map that they make (query, key)."""
    q, k = (array.astype(np.float32).astype(float) for array in factors().values())
    powers = np.exp(q @ k.T)
    return powers / powers.sum(1, keepdims=True)


def blobs():
    """The arrays of the manifest."""
    return {name: array.astype("<f4") for name, array in factors().items()}


def manifest(title="a run"):
    """What the page is told."""
    q, k = ({"name": name, "dtype": "f4", "shape": array.shape} for name, array in blobs().items())
    nothing = {"softcap": None, "bias": None, "mask": None, "band": None, "sinks": None}
    one = {
        **{"id": 0, "run": 0, "path": "layer", "layer": 0, "call": 0, "order": 0, "step": 0, "item": None},
        **{"continues": False, "shape": (1, 1, QUERIES, KEYS), "how": "", "note": "", "error": None},
        **{"queries": [0], "keys": [1], "places": None, "overview": None, "metrics": None},
        "rows": {"kind": "factors", "heads": [{"q": q, "k": k}], **nothing},
    }
    axes = [
        {"length": n, "segments": [{"kind": "unknown", "begin": 0, "length": n, "note": ""}]}
        for n in (QUERIES, KEYS)
    ]
    run = {"name": title, "path": None, "facts": [], "checks": ""}
    told = {"protocol": 1, "title": title, "runs": [run], "axes": axes, "maps": [one], "images": []}
    return told | {"measures": [], "omitted": [], "remarks": [], "served": False}


def written(built, head="", title="a run"):
    """One file with all of it; arrays are zipped, as files of runs are."""
    told = json.dumps(manifest(title)).replace("<", "\\u003c")
    scripts = [f'<script type="application/json" id="visualizer-manifest">{told}</script>']
    for name, array in blobs().items():
        text = base64.b64encode(gzip.compress(array.tobytes())).decode()
        shape = ",".join(map(str, array.shape))
        scripts.append(
            f'<script type="application/octet-stream;base64" data-blob="{name}" data-dtype="f4" '
            f'data-shape="{shape}" data-gzip="1">{text}</script>'
        )
    style, code = ((built / name).read_text(encoding="utf-8") for name in ("viewer.css", "viewer.js"))
    return (
        f'<!doctype html><meta charset="utf-8">{head}<style>{style}</style><div id="visualizer"></div>'
        f'{"".join(scripts)}<script type="module">{code}</script>'
    )
