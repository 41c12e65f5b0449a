"""Check by eye what was read: a page of doubtful numbers, and the corrections that come back from it."""

from kerascnn.reviewing.corrections import Correction, Match, apply_corrections, match_corrections, read_corrections
from kerascnn.reviewing.doubtful_numbers import DoubtfulNumber, find_doubtful
from kerascnn.reviewing.review import Review, ReviewPlan
from kerascnn.reviewing.review_page import make_review_page

__all__ = [
    "Correction",
    "DoubtfulNumber",
    "Match",
    "Review",
    "ReviewPlan",
    "apply_corrections",
    "find_doubtful",
    "make_review_page",
    "match_corrections",
    "read_corrections",
]
