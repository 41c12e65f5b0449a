"""Why a model gives its answer, in figures: attribution, filters, feature maps and attention."""

from kerascnn.explaining.explanation import explain
from kerascnn.explaining.results import Explanation, PageExplanation

__all__ = ["Explanation", "PageExplanation", "explain"]
