"""Pictures in, predictions out."""

from kerascnn.inference.predictor import Prediction, Predictor, load

__all__ = ["Prediction", "Predictor", "load"]
