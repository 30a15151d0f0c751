"""Panels: sliders over live computation, with a picture and a sentence that say what changed.

A panel is data plus controls. It computes with the package, draws with `smollab.plots`, and shows a static picture
where no kernel runs. Add one by subclassing `Panel` in a file of its own.
"""

from smollab.lab.panels.architecture import ArchitecturePanel, AttentionMapPanel
from smollab.lab.panels.costs import CostsPanel
from smollab.lab.panels.deduplication import DeduplicationPanel
from smollab.lab.panels.extraction import ExtractionPanel
from smollab.lab.panels.mixture import MixturePanel
from smollab.lab.panels.newton_schulz import NewtonSchulzPanel
from smollab.lab.panels.pages import PagesPanel
from smollab.lab.panels.panel import Panel
from smollab.lab.panels.pdf import PdfPanel
from smollab.lab.panels.positions import FrequencyPanel, PasskeyPanel
from smollab.lab.panels.quality import QualityPanel
from smollab.lab.panels.sampling import SamplingPanel
from smollab.lab.panels.thresholds import ThresholdPanel
from smollab.lab.panels.transfer import CoordinatePanel, TransferPanel
from smollab.lab.panels.watching import WatchPanel
from smollab.lab.panels.writing import WritingPanel

__all__ = [
    "ArchitecturePanel",
    "AttentionMapPanel",
    "CoordinatePanel",
    "CostsPanel",
    "DeduplicationPanel",
    "ExtractionPanel",
    "FrequencyPanel",
    "MixturePanel",
    "NewtonSchulzPanel",
    "PagesPanel",
    "Panel",
    "PasskeyPanel",
    "PdfPanel",
    "QualityPanel",
    "SamplingPanel",
    "ThresholdPanel",
    "TransferPanel",
    "WatchPanel",
    "WritingPanel",
]
