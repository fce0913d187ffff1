from __future__ import annotations

import pytest

from sim.data.window import DEFAULT_WINDOW, Window, interval_name, iso, parse_interval, parse_time


def test_default_window__is_the_crash_of_may_2021() -> None:
    assert str(DEFAULT_WINDOW) == "2021-05-19T00:00:00Z to 2021-05-20T00:00:00Z"


@pytest.mark.parametrize("text", ["2021-05-19", "2021-05-19T00:00:00Z", "2021-05-19T02:00:00+02:00"])
def test_parse_time__iso__is_utc(text: str) -> None:
    assert parse_time(text) == 1_621_382_400
    assert iso(parse_time(text)) == "2021-05-19T00:00:00Z"


@pytest.mark.parametrize("text", ["yesterday", "", "2021-05-19T00:00:00.5Z"])
def test_parse_time__not_a_whole_second_in_iso__raises(text: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid isoformat|whole second"):
        parse_time(text)


@pytest.mark.parametrize(("name", "seconds"), [("1m", 60), ("15m", 900), ("1h", 3_600), ("8h", 28_800), ("1d", 86_400)])
def test_parse_interval__name__round_trips(name: str, seconds: int) -> None:
    assert parse_interval(name) == seconds
    assert interval_name(seconds) == name


@pytest.mark.parametrize("name", ["", "h", "0h", "1M", "1.5h", "-1h", "1 h"])
def test_parse_interval__other_name__raises(name: str) -> None:
    with pytest.raises(ValueError, match="no interval"):
        parse_interval(name)


@pytest.mark.parametrize("end", ["2021-05-19", "2021-05-18"])
def test_window__empty__raises(end: str) -> None:
    with pytest.raises(ValueError, match="is empty"):
        Window.parse("2021-05-19", end)
