"""The comparison with the snapshot, and the exit codes; the measurement itself is `make bench-gas-check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard.toolchain import AnvilNotFound
from tests.bench import gas
from tests.bench.artefacts import Artefact, ArtefactError
from tests.bench.exchange import ExchangeError
from tests.bench.gas import Measurement, differences, main
from tests.bench.rows import DERIVED, ROWS

if TYPE_CHECKING:
    from pathlib import Path

MEASURED = Measurement(
    {"settle": 100_000, "accrue": 50_000}, {"settle": 9_000}, {"settle_own": 91_000}, {"Lens": 12_000}
)


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot file that holds what is measured."""
    path = tmp_path / "gas.json"
    path.write_text(MEASURED.to_json())
    monkeypatch.setattr(gas, "SNAPSHOT", path)
    monkeypatch.setattr(gas, "read_artefacts", lambda *paths: {})
    monkeypatch.setattr(gas, "measure", lambda artefacts, names: MEASURED)
    return path


def test_differences__equal_numbers__none() -> None:
    assert differences(MEASURED, Measurement.from_json(MEASURED.to_json())) == {}


def test_differences__changed_missing_and_new__all_three() -> None:
    now = Measurement({"settle": 99_000, "cancel": 30_000}, {"settle": 9_000}, {"settle_own": 91_000}, {"Lens": 12_001})
    assert differences(MEASURED, now) == {
        "gas.accrue": (50_000, None),
        "gas.cancel": (None, 30_000),
        "gas.settle": (100_000, 99_000),
        "bytecode.Lens": (12_000, 12_001),
    }


def test_check__as_in_the_snapshot__exits_0(snapshot: Path) -> None:
    assert main(["--check"]) == 0


def test_check__one_number_differs__exits_1_and_names_it(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = snapshot.read_text().replace("50000", "50001")
    snapshot.write_text(changed)
    assert main(["--check"]) == 1
    assert "gas.accrue" in capsys.readouterr().out
    assert snapshot.read_text() == changed


def test_check__no_snapshot__exits_1(snapshot: Path) -> None:
    snapshot.unlink()
    assert main(["--check"]) == 1


def test_main__everything_measured__writes_the_snapshot(snapshot: Path) -> None:
    snapshot.write_text("{}")
    assert main([]) == 0
    assert snapshot.read_text() == MEASURED.to_json()


def test_main__some_rows__leaves_the_snapshot(snapshot: Path) -> None:
    snapshot.write_text("{}")
    assert main(["--only", "settle*"]) == 0
    assert snapshot.read_text() == "{}"


@pytest.mark.parametrize("options", [["--only", "nothing_like_it"], ["--check", "--only", "settle"], ["--unknown"]])
def test_main__wrong_usage__exits_2(snapshot: Path, options: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(options)
    assert exit_.value.code == 2


@pytest.mark.parametrize("error", [AnvilNotFound(), ExchangeError("reverted"), ArtefactError("not compiled")])
def test_main__cannot_measure__exits_3(snapshot: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(artefacts: object, names: object) -> Measurement:
        raise error

    monkeypatch.setattr(gas, "measure", fail)
    assert main(["--check"]) == 3


def test_encode_call__struct_by_field_name__follows_the_order_of_the_abi() -> None:
    fields = [{"name": "size", "type": "int128"}, {"name": "market", "type": "uint8"}]
    order = {"name": "order", "type": "tuple", "components": fields}
    abi = [{"type": "function", "name": "place", "inputs": [order], "outputs": []}]
    artefact = Artefact("Book", "contracts/Book.sol", abi, b"", 0)
    words = artefact.encode_call("place", {"market": 7, "size": -1})[4:]
    assert words == b"\xff" * 32 + (7).to_bytes(32)
    with pytest.raises(ArtefactError, match=r"Book\.place"):
        artefact.encode_call("place", {"market": 7})


def test_derived__rows_that_exist__computed_and_rounded_up() -> None:
    numbers = {name: 1_000 + 10 * position for position, name in enumerate(ROWS)}
    assert all(item.of(numbers, dict.fromkeys(ROWS, 1)) is not None for item in DERIVED)
    per_market = next(item for item in DERIVED if item.name == "trade_per_open_market_10")
    assert per_market.of({"trade_modify": 100, "trade_modify_10": 191}, {}) == 11
    assert per_market.of({"trade_modify": 100}, {}) is None
