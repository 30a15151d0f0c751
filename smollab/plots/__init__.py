"""Figures: arrays in, matplotlib Figure out. The report, the notebooks and the slides draw with the same functions."""
