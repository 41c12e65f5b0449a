"""How well a model does, and whether another one does better."""

from kerascnn.evaluation.scoring import ClassResult, Evaluation, evaluate

__all__ = ["ClassResult", "Evaluation", "evaluate"]
