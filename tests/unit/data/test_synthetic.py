from __future__ import annotations

import hashlib

import numpy as np
import pytest

from sim.data import DEFAULT_WINDOW, Candles, Window, synthetic_candles

SYMBOLS = ("BTC", "ETH", "SOL")


def _digest(candles: dict[str, Candles]) -> str:
    text = ";".join(
        f"{symbol}:{[column.tolist() for column in (one.t, one.open, one.high, one.low, one.close)]}"
        for symbol, one in candles.items()
    )
    return hashlib.sha256(text.encode()).hexdigest()


def test_synthetic_candles__seed_1__is_the_same_on_every_machine() -> None:
    assert _digest(synthetic_candles(SYMBOLS)) == "61f611c2bbc786f583cea77273fed6c7c98905ef99a55021c006ad23ba07fa14"


def test_synthetic_candles__other_seed__differs() -> None:
    assert _digest(synthetic_candles(SYMBOLS, seed=2)) != _digest(synthetic_candles(SYMBOLS, seed=1))


@pytest.mark.parametrize("seed", range(5))
def test_synthetic_candles__any_seed__is_well_formed(seed: int) -> None:
    for one in synthetic_candles((*SYMBOLS, "DOGE"), interval_seconds=900, seed=seed).values():
        assert one.t.tolist() == list(range(DEFAULT_WINDOW.start, DEFAULT_WINDOW.end, 900))
        assert (one.low > 0).all()
        assert (one.low <= np.minimum(one.open, one.close)).all()
        assert (one.high >= np.maximum(one.open, one.close)).all()
        assert (one.open[1:] == one.close[:-1]).all()


@pytest.mark.parametrize("interval", [900, 3_600])
def test_synthetic_candles__crash__falls_by_35_percent_and_makes_half_good(interval: int) -> None:
    candles = synthetic_candles(SYMBOLS, interval_seconds=interval)
    btc = candles["BTC"]
    bottom = 13 * 3_600 // interval - 1
    assert btc.close[bottom] * 100 == btc.open[0] * 65
    assert int(btc.close.argmin()) == bottom
    assert btc.close[-1] * 100 == btc.open[0] * 85
    assert candles["ETH"].close[bottom] * 10_000 == candles["ETH"].open[0] * 5_975
    assert candles["SOL"].close[bottom] * 10_000 == candles["SOL"].open[0] * 5_625


def test_synthetic_candles__order_of_symbols__changes_nothing() -> None:
    ahead, alone = synthetic_candles(("SOL", "BTC")), synthetic_candles(("BTC",))
    assert ahead["BTC"].close.tolist() == alone["BTC"].close.tolist()


def test_synthetic_candles__window_of_broken_candles__raises() -> None:
    with pytest.raises(ValueError, match="no whole number of candles"):
        synthetic_candles(SYMBOLS, Window(0, 3_601))
