"""What a model can do: bits per byte on held-out text, and choosing the grammatical sentence of a pair."""
