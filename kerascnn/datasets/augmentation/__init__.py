"""Random changes to training images: handwriting variants, warping, degradations and outliers."""
