"""A model on disk: its card, safe loading, ONNX, the models that ship."""
