"""Statistical significance: confidence intervals of a share, and the McNemar test."""

from math import comb, sqrt

_Z = 1.959964  # the normal distribution's 97.5 % point


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a share, which stays within 0 and 1.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (158), 1927.

    Args:
        count: Number of successes.
        total: Number of trials, at least 1.

    Returns:
        Lower and upper end of the interval, 0 to 1.

    Example:
        >>> [round(end, 4) for end in wilson_interval(9900, 10000)]
        [0.9879, 0.9918]
    """
    share, square = count / total, _Z**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = _Z * sqrt(share * (1 - share) / total + square / (4 * total**2)) / (1 + square / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """Compute the p-value of the exact McNemar test, two-sided: could two equally good models differ so much by chance?

    Only the samples that one model gets right and the other wrong count; were the models equally good, each of these
    would be a fair coin's toss.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (2), 1947.

    Args:
        only_first: Number of samples that only the first model classifies correctly.
        only_second: Number of samples that only the second model classifies correctly.

    Returns:
        The probability of a difference at least as large, 0 to 1.

    Example:
        >>> mcnemar_p_value(1, 9)
        0.021484375
    """
    tosses = only_first + only_second
    tail = sum(comb(tosses, heads) for heads in range(min(only_first, only_second) + 1))
    # Both are integers of any size; their quotient is exact to the last digit of a float.
    return float(min(1.0, 2 * tail / 2**tosses))
