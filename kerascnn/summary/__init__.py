"""A model's configuration as a table of layers, without loading a framework."""

from kerascnn.summary.model_summary import FullyConnected, LayerSummary, Summary, parse_input_shape, summarize

__all__ = ["FullyConnected", "LayerSummary", "Summary", "parse_input_shape", "summarize"]
