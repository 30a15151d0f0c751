"""Pillar 5: what a run costs before it starts, and how to spend a budget."""
