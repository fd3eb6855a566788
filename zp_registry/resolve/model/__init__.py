"""The probabilistic tier: pairs scored by a trained model (Splink)."""

from zp_registry.resolve.model.explain import explain
from zp_registry.resolve.model.features import features
from zp_registry.resolve.model.score import Engine, compare, score
from zp_registry.resolve.model.settings import Bands, Frequencies, MatchModel, load_model, read_model
from zp_registry.resolve.model.train import Summary, train

__all__ = [
    "Bands",
    "Engine",
    "Frequencies",
    "MatchModel",
    "Summary",
    "compare",
    "explain",
    "features",
    "load_model",
    "read_model",
    "score",
    "train",
]
