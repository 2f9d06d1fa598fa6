"""What maps say: measures of heads, across layers, with gradients, and whether they mean anything."""

from visualizer.analysis.alike import clusters, similarity
from visualizer.analysis.attributing import attention_times_gradient, cross_relevance, relevance
from visualizer.analysis.boxes import inside, mass_inside, pointing
from visualizer.analysis.comparing import Differences, compare, differences
from visualizer.analysis.distances import distance
from visualizer.analysis.entropies import entropy
from visualizer.analysis.flow import rollout
from visualizer.analysis.groups import between_groups
from visualizer.analysis.measures import metrics
from visualizer.analysis.offsets import diagonal, next_token, offset, previous_token
from visualizer.analysis.outlying import outliers
from visualizer.analysis.padded import padding
from visualizer.analysis.randomisation import randomised, rank_correlation
from visualizer.analysis.removing import Curve, perturbation
from visualizer.analysis.repeats import duplicate_token, induction, repeated_tokens, same_token
from visualizer.analysis.sink_tokens import first_token, group_mass, sink_mass, sinks
from visualizer.analysis.streams import co_relevance
from visualizer.analysis.weighting import value_weighted

__all__ = [
    "Curve",
    "Differences",
    "attention_times_gradient",
    "between_groups",
    "clusters",
    "co_relevance",
    "compare",
    "cross_relevance",
    "diagonal",
    "differences",
    "distance",
    "duplicate_token",
    "entropy",
    "first_token",
    "group_mass",
    "induction",
    "inside",
    "mass_inside",
    "metrics",
    "next_token",
    "offset",
    "outliers",
    "padding",
    "perturbation",
    "pointing",
    "previous_token",
    "randomised",
    "rank_correlation",
    "relevance",
    "repeated_tokens",
    "rollout",
    "same_token",
    "similarity",
    "sink_mass",
    "sinks",
    "value_weighted",
]
