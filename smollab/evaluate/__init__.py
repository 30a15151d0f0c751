"""What a model can do: bits per byte on held-out text, choosing the grammatical sentence of a pair, and finding a key
in a long text."""
