"""Measures of heads beside TransformerLens's head detector, of the same maps: run with it on the path."""

import numpy as np
import torch
from transformer_lens import head_detector

from visualizer import analysis
from visualizer.attention import AttentionMap, Band, Factors

MEASURES = {
    "previous_token_head": lambda a, ids: analysis.previous_token(a),
    "duplicate_token_head": analysis.duplicate_token,
    "induction_head": analysis.induction,
}

torch.manual_seed(0)
ids = torch.from_numpy(analysis.repeated_tokens(30, 20)).long()  # some are there more than twice
q, k = torch.randn(2, 1, 4, 40, 8).unbind(0)
a = AttentionMap(Factors(q, k, scale=0.5, band=Band()))
for name, measure in MEASURES.items():
    pattern = getattr(head_detector, f"get_{name}_detection_pattern")(ids)
    taking_part = int(pattern.any(-1).sum())
    if name == "previous_token_head":
        assert taking_part == 39
    scores = [
        head_detector.compute_head_attention_similarity_score(
            map_, pattern, exclude_bos=False, exclude_current_token=False, error_measure="mul"
        )
        for map_ in a.tensor()[0]
    ]  # of all queries, where the measures average over those that can
    np.testing.assert_allclose(measure(a, ids)[0] * taking_part / 40, scores, rtol=1e-5)
print("alike")
