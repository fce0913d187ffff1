from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ccxt
import pytest

from sim.data import DownloadFailed, Progress, Window, cache_folder, download_candles
from tests.unit.data.files import DAY, HOUR

if TYPE_CHECKING:
    from pathlib import Path

NOW = DAY.end + 400 * HOUR


class FakeExchange:
    """Answers from made-up hours in pages; raises the errors of `failures` first, one per call."""

    def __init__(
        self, *, page: int = 200, listed: int = 0, end: int = NOW, failures: dict[int, Exception] | None = None
    ):
        self.page = page
        self.listed = listed
        self.end = end
        self.failures = failures or {}
        self.calls: list[tuple[str, int]] = []

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[Any]]:
        assert timeframe == "1h"
        self.calls.append((symbol, since))
        failure = self.failures.get(len(self.calls))
        if failure is not None:
            raise failure
        start = max(since // 1_000, self.listed)
        times = range(-(-start // HOUR) * HOUR, self.end, HOUR)[: min(limit, self.page)]
        return [[t * 1_000, 1.9292, 1.9467, 1.923, 1.9376, 10.0] for t in times]


def _download(cache: Path, *fakes: FakeExchange, symbols: tuple[str, ...] = ("BTC",), **options: Any) -> Any:
    names = [f"exchange{index}" for index in range(len(fakes))]
    by_name = dict(zip(names, fakes, strict=True))
    return download_candles(
        symbols,
        DAY,
        cache=cache,
        exchanges=names,
        connect=by_name.__getitem__,
        now=NOW,
        pause=lambda _: None,
        **options,
    )


def test_download_candles__pages__are_joined_exactly(tmp_path: Path) -> None:
    seen: list[Progress] = []
    fake = FakeExchange()
    loaded = _download(tmp_path, fake, symbols=("BTC", "SOL"), progress=seen.append)
    assert loaded.exchange == "exchange0"
    assert set(loaded.candles) == {"BTC", "SOL"}
    assert loaded.candles["SOL"].t.tolist() == list(range(DAY.start, DAY.end, HOUR))
    assert set(loaded.candles["SOL"].open.tolist()) == {192_920_000}
    assert fake.calls[0][1] == DAY.start // (500 * HOUR) * 500 * HOUR * 1_000
    assert {symbol for symbol, _ in fake.calls} == {"BTC/USDT:USDT", "SOL/USDT:USDT"}
    assert seen[-1] == Progress("exchange0", "SOL", 500, 500)
    assert [one.done for one in seen] == sorted(one.done for one in seen[: len(seen) // 2]) * 2


def test_download_candles__second_time__asks_nobody(tmp_path: Path) -> None:
    _download(tmp_path, FakeExchange())
    silent = FakeExchange(failures={1: AssertionError("asked")})
    assert len(_download(tmp_path, silent).candles["BTC"]) == 24
    assert silent.calls == []


def test_download_candles__interrupted__goes_on_where_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed):
        _download(tmp_path, FakeExchange(page=5, failures={3: ccxt.ExchangeError("stop")}))
    fake = FakeExchange()
    _download(tmp_path, fake)
    (chunk,) = (tmp_path / "exchange0").glob("*.csv")
    start = int(chunk.read_text(encoding="utf-8").splitlines()[1].split(",")[0])
    assert fake.calls[0][1] == start + 10 * HOUR * 1_000


def test_download_candles__network_drops_midway__tries_again(tmp_path: Path) -> None:
    fake = FakeExchange(page=5, failures={2: ccxt.RequestTimeout("slow"), 3: ccxt.RateLimitExceeded("fast")})
    assert len(_download(tmp_path, fake).candles["BTC"]) == 24


def test_download_candles__no_network__fails_at_once_with_every_reason(tmp_path: Path) -> None:
    fakes = [FakeExchange(failures={1: ccxt.NetworkError("no route")}), FakeExchange(failures={1: OSError("offline")})]
    with pytest.raises(
        DownloadFailed, match=r"exchange0: NetworkError: no route; exchange1: OSError: offline"
    ) as caught:
        _download(tmp_path, *fakes)
    assert [len(fake.calls) for fake in fakes] == [1, 1]
    assert set(caught.value.reasons) == {"exchange0", "exchange1"}
    assert list(tmp_path.iterdir()) == []


def test_download_candles__first_exchange_refuses__asks_the_next(tmp_path: Path) -> None:
    refusing = FakeExchange(failures={1: ccxt.ExchangeNotAvailable("restricted location")})
    assert _download(tmp_path, refusing, FakeExchange()).exchange == "exchange1"


@pytest.mark.parametrize("listed", [DAY.start + 5 * HOUR, NOW - HOUR])
def test_download_candles__listed_too_late__fails(tmp_path: Path, listed: int) -> None:
    with pytest.raises(DownloadFailed, match=r"no BTC (candles before|prices for)"):
        _download(tmp_path, FakeExchange(listed=listed))


def test_download_candles__delisted__fails(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="no BTC prices for"):
        _download(tmp_path, FakeExchange(end=DAY.start + 5 * HOUR))


@pytest.mark.parametrize("page", [None, [[None] * 6], [["x"]], [[DAY.start * 1_000]]])
def test_download_candles__not_candles__fails(tmp_path: Path, page: Any) -> None:
    fake = FakeExchange()
    fake.fetch_ohlcv = lambda *_: page  # type: ignore[method-assign]
    with pytest.raises(DownloadFailed, match="no list of candles"):
        _download(tmp_path, fake)


def test_download_candles__window_in_the_future__fails_without_asking(tmp_path: Path) -> None:
    fake = FakeExchange()
    window = Window(NOW - HOUR, NOW + HOUR)
    with pytest.raises(DownloadFailed, match="the window ends after"):
        download_candles(["BTC"], window, cache=tmp_path, exchanges=["x"], connect=lambda _: fake, now=NOW)
    assert fake.calls == []


def test_download_candles__candle_not_over__is_not_kept(tmp_path: Path) -> None:
    window = Window(NOW - 3 * HOUR, NOW)
    fake = FakeExchange(end=NOW + HOUR)
    download_candles(["BTC"], window, cache=tmp_path, exchanges=["x"], connect=lambda _: fake, now=NOW + 60)
    (chunk,) = (tmp_path / "x").glob("*.csv")
    assert int(chunk.read_text(encoding="utf-8").splitlines()[-1].split(",")[0]) == (NOW - HOUR) * 1_000


def test_download_candles__damaged_cache__names_the_file(tmp_path: Path) -> None:
    _download(tmp_path, FakeExchange())
    (chunk,) = (tmp_path / "exchange0").glob("*.csv")
    chunk.write_text("t,open\nx,1\n", encoding="utf-8")
    with pytest.raises(DownloadFailed, match="is damaged"):
        _download(tmp_path, FakeExchange())


def test_cache_folder__xdg__is_used_where_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "steelyard" / "candles"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / "home" / ".cache" / "steelyard" / "candles"
