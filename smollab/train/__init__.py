"""The training script: one readable loop, checkpoints, metrics."""
