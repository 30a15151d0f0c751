"""Pillar 3: what a model is trained to predict, from hidden states to a scalar loss."""
