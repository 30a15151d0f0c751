"""The training script: one readable loop, checkpoints, metrics."""

TRAINING_CODE = (
    "batch.py",
    "model/attention.py",
    "model/config.py",
    "model/document_attention.py",
    "model/flex_attention.py",
    "model/initialization.py",
    "model/mlp.py",
    "model/norms.py",
    "model/parametrization.py",
    "model/residual.py",
    "model/rope.py",
    "model/softcap.py",
    "model/transformer.py",
    "objectives",
    "optim",
    "recipe/stages.py",
    "tokens/mixture.py",
    "tokens/packing.py",
    "tokens/stream.py",
    "tokens/streaming.py",
    "train",
)
"""Files and folders of the package that decide what a training run computes; when they change it starts anew."""
