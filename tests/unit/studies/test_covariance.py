from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.studies.covariance import factor_loadings, normal_scores_correlation

if TYPE_CHECKING:
    from sim.studies.history import Floats


def draws(correlation: Floats, count: int = 4_000) -> Floats:
    root = np.linalg.cholesky(correlation)
    result: Floats = root @ np.random.default_rng(3).standard_normal((len(root), count))
    return result


def test_normal_scores_correlation__normal_draws__is_theirs() -> None:
    correlation = np.array([[1, 0.8, 0.5], [0.8, 1, 0.6], [0.5, 0.6, 1]])
    found = normal_scores_correlation(draws(correlation))
    assert np.allclose(found, correlation, atol=0.02)
    assert np.allclose(found.diagonal(), 1)


def test_normal_scores_correlation__one_absurd_day__hardly_moves() -> None:
    moves = draws(np.array([[1, 0.8], [0.8, 1]]), 1_000)
    before = normal_scores_correlation(moves)[0, 1]
    moves[:, 500] = [1e3, -1e3]
    assert normal_scores_correlation(moves)[0, 1] == pytest.approx(before, abs=0.03)
    assert np.corrcoef(moves)[0, 1] < -0.9


def test_factor_loadings__three_markets__one_factor_reproduces_all() -> None:
    correlation = np.array([[1, 0.82, 0.6], [0.82, 1, 0.65], [0.6, 0.65, 1]])
    loadings = factor_loadings(correlation)
    assert loadings.shape == (3, 3)
    assert (loadings[:, 0] > 0).all()
    assert (loadings[:, 1:] == 0).all()
    assert np.allclose((loadings @ loadings.T)[np.triu_indices(3, 1)], [0.82, 0.6, 0.65], atol=0.002)


def test_factor_loadings__two_groups_of_markets__takes_two_factors() -> None:
    sides = np.array([[0.9, 0.2], [0.8, 0.3], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    correlation = sides @ sides.T
    np.fill_diagonal(correlation, 1)
    loadings = factor_loadings(correlation)
    assert (loadings[:, 2] == 0).all()
    assert (np.abs(loadings[:, 1]) > 0).any()
    difference = loadings @ loadings.T - correlation
    assert np.abs(difference[np.triu_indices(5, 1)]).max() <= 0.002


@pytest.mark.parametrize("seed", range(20))
def test_factor_loadings__any_correlation__never_exceed_the_whole(seed: int) -> None:
    moves = np.random.default_rng(seed).standard_normal((6, 9))
    loadings = factor_loadings(np.corrcoef(moves))
    assert ((loadings**2).sum(axis=1) <= 1 + 1e-12).all()
    assert (loadings.sum(axis=0) >= 0).all()


def test_factor_loadings__one_market_or_none_related__are_zero() -> None:
    assert (factor_loadings(np.eye(1)) == 0).all()
    assert (factor_loadings(np.eye(4)) == 0).all()
