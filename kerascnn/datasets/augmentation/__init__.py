"""Random changes to training images: other forms of digits, warps, degradations, and pictures of no digit."""
