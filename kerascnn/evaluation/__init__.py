"""Scores of trained models, their comparison and reports."""

from kerascnn.evaluation.scoring import ClassResult, Evaluation, evaluate

__all__ = ["ClassResult", "Evaluation", "evaluate"]
