"""A lattice of segments: the paths from a glyph's left edge to its right one, weighed as a conditional random field.

Each edge is a segment, each of its labels has a score, and a path is as probable as the exponential of its scores' sum.

Sources: the graph of segments of LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
recognition", 1998, section V; Lafferty, McCallum, Pereira, "Conditional random fields", ICML 2001; semi-Markov
conditional random fields of Sarawagi, Cohen, NeurIPS 2004.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Edge = tuple[int, int]
"""The nodes at which a segment begins and ends; the former is smaller, node 0 is the left edge."""

_IMPOSSIBLE = -1e9


@dataclass(frozen=True, eq=False)
class Lattice:
    """The segments of a glyph with the scores of their labels.

    Args:
        edges: The nodes of each segment; the largest node is the right edge.
        scores: `(n, num_labels)`, natural logarithms.
    """

    edges: Sequence[Edge]
    scores: np.ndarray

    @property
    def end(self) -> int:
        """The node of the right edge."""
        return max(last for _, last in self.edges)

    def find_best_path(self) -> list[int]:
        """Find the segments of the most probable path, as indices from left to right."""
        best = self.scores.max(axis=1)
        reached: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
        for index in self.order_edges():
            first, last = self.edges[index]
            if first not in reached:
                continue
            score, path = reached[first]
            if last not in reached or score + best[index] > reached[last][0]:
                reached[last] = (score + float(best[index]), [*path, index])
        return reached[self.end][1]

    def compute_marginals(self) -> np.ndarray:
        """Compute the probability that a path has a segment with a label: `(n, num_labels)`, 0..1."""
        totals = np.logaddexp.reduce(self.scores, axis=1)
        before = self._sum_from_left(totals)
        after = np.full(self.end + 1, _IMPOSSIBLE)
        after[self.end] = 0
        for index in reversed(self.order_edges()):
            first, last = self.edges[index]
            after[first] = np.logaddexp(after[first], after[last] + totals[index])
        outside = [before[first] + after[last] for first, last in self.edges]
        return np.asarray(np.exp(np.minimum(self.scores + np.array(outside)[:, None] - before[self.end], 0)))

    def compute_share(self, label: int) -> float:
        """Compute the probability of the paths all of whose segments have a label, 0..1."""
        of_label = self._sum_from_left(self.scores[:, label])
        of_all = self._sum_from_left(np.logaddexp.reduce(self.scores, axis=1))
        return float(np.exp(of_label[self.end] - of_all[self.end]))

    def compute_log_sum(self) -> float:
        """Compute the natural logarithm of the sum over all paths with all labels."""
        return float(self._sum_from_left(np.logaddexp.reduce(self.scores, axis=1))[self.end])

    def _sum_from_left(self, scores: np.ndarray) -> np.ndarray:
        """Sum the paths from the left edge to every node; one score a segment."""
        sums = np.full(self.end + 1, _IMPOSSIBLE)
        sums[0] = 0
        for index in self.order_edges():
            first, last = self.edges[index]
            sums[last] = np.logaddexp(sums[last], sums[first] + scores[index])
        return sums

    def order_edges(self) -> list[int]:
        """List the segments so that all that end at a node come before those that begin there."""
        return sorted(range(len(self.edges)), key=lambda index: self.edges[index])
