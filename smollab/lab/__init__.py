"""For notebooks and slides: open a run, look inside its model, show figures, panels and checks.

Nothing here is needed to train a model. Computations return arrays, `smollab.plots` draws them, `panels` join the
two with sliders, and `checks` take a learner's function and say what is right or wrong about it.
"""

from smollab.lab.display import show, show_source
from smollab.lab.runs import Run, open_run

__all__ = ["Run", "open_run", "show", "show_source"]
