"""Watching a run while it trains: what it wrote so far, in a terminal or as a figure."""
