"""Why a model gives the answer it gives, in pictures: `explain` is the only door."""

from kerascnn.explaining.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
