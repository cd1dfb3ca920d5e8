"""Probabilities and other ratios, as answers tell them."""


def percent(ratio: float) -> float:
    """Never more than 100, which single-precision arithmetic sometimes says."""
    return min(100.0, 100.0 * float(ratio))
