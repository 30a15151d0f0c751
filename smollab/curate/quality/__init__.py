"""How much does a text teach? A score from 0 to 5 by a small model that is trained here, or by one from the hub.

`features.py` says what the small model sees, `model.py` scores with it, `training.py` fits it to the scored excerpts of
`data_samples/quality/`, `evaluation.py` says how far it can be trusted, `filter.py` is the step of the pipeline and
`transformer.py` lets a `transformers` classifier take the small model's place.
"""

from smollab.curate.quality.evaluation import (
    Selection,
    bootstrap_interval,
    calibrate,
    mean_absolute_error,
    select,
    weighted_kappa,
)
from smollab.curate.quality.features import SHAPES, describe_shape, tokenize
from smollab.curate.quality.filter import edu_quality
from smollab.curate.quality.model import QualityModel, load_model, save_model
from smollab.curate.quality.training import Scored, cross_validate, fit, read_scored

__all__ = [
    "SHAPES",
    "QualityModel",
    "Scored",
    "Selection",
    "bootstrap_interval",
    "calibrate",
    "cross_validate",
    "describe_shape",
    "edu_quality",
    "fit",
    "load_model",
    "mean_absolute_error",
    "read_scored",
    "save_model",
    "select",
    "tokenize",
    "weighted_kappa",
]
