"""How markets move together: a correlation that single days cannot bend, and few factors that reproduce it."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from sim.studies.history import Floats

__all__ = ["factor_loadings", "normal_scores_correlation"]

_ROUNDS: Final = 2_000
_SETTLED: Final = 1e-12


def normal_scores_correlation(moves: Floats) -> Floats:
    """Return the correlation of normal scores: each market's moves replaced by normal quantiles of their ranks.

    One outlying day counts no more than its rank, and the result is a correlation matrix by construction.

    Parameters
    ----------
    moves
        Returns, shape `(n_markets, n)`.

    Returns
    -------
    ndarray
        Shape `(n_markets, n_markets)`, ones on the diagonal.
    """
    count = moves.shape[1]
    normal = NormalDist()
    quantiles = np.array([normal.inv_cdf((rank + 0.5) / count) for rank in range(count)])
    scores = np.empty(moves.shape)
    for row, market in enumerate(moves):
        scores[row, np.argsort(market, kind="stable")] = quantiles
    correlation: Floats = scores @ scores.T / (quantiles @ quantiles)
    return correlation


def factor_loadings(correlation: Floats, *, most: int = 3, tolerance: float = 0.002) -> Floats:
    """Return loadings of the fewest principal factors whose products reproduce the correlations.

    `correlation = B @ B.T` off the diagonal, within `tolerance` where `most` factors can do so; what the row `|B_i|^2`
    leaves of one is the market's own risk.

    Parameters
    ----------
    correlation
        Shape `(n_markets, n_markets)`.
    most
        Factors at most, and columns of the result.
    tolerance
        Largest difference of a correlation.

    Returns
    -------
    ndarray
        Shape `(n_markets, most)`, `|B_i| <= 1`; unused columns are zero, and the sum of each other is positive.
    """
    count = len(correlation)
    off_diagonal = ~np.eye(count, dtype=bool)
    loadings = np.zeros((count, 1))
    for factors in range(1, most + 1):
        if np.abs((correlation - loadings @ loadings.T)[off_diagonal]).max(initial=0) <= tolerance:
            break
        loadings = _principal_factors(correlation, min(factors, count))
    loadings = loadings * np.where(loadings.sum(axis=0) < 0, -1, 1)
    return np.pad(loadings, ((0, 0), (0, most - loadings.shape[1])))


def _principal_factors(correlation: Floats, factors: int) -> Floats:
    """Return principal axes of the correlation with what is common to the markets on its diagonal, found in rounds."""
    reduced = correlation.copy()
    loadings = np.zeros((len(correlation), factors))
    for _ in range(_ROUNDS):
        values, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, ::-1][:, :factors] * np.sqrt(np.maximum(values[::-1][:factors], 0))
        common = np.minimum((loadings**2).sum(axis=1), 1)
        if np.abs(common - reduced.diagonal()).max() < _SETTLED:
            break
        np.fill_diagonal(reduced, common)
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    bounded: Floats = loadings / np.maximum(length, 1)
    return bounded
