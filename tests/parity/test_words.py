"""Storage words that the contracts pack by hand: the documented layouts, the compiler's slots, the views, all agree."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.crypto import keccak

from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.driver import Driver
from steelyard.fuzz.scenario import ACCOUNTS, EVERYBODY, OSCAR, TRADING_ACCOUNTS
from steelyard.fuzz.storage import SLOTS
from steelyard.toolchain import ROOT, prepare, solc

if TYPE_CHECKING:
    from steelyard.fuzz.stage import Stage

Layout = list[tuple[str, str, int, int]]
"""Name, type, first bit and number of bits of each field."""

_DOCUMENTED = re.compile(r"/// @dev ((?:(?!\*/|;)[\s\S])*?)\ntype (\w+Word) is uint256;")
_FIELD = re.compile(r"(\w+) (u?int|bool)(\d*)(?:\[(\d+)\])?(?: << (\d+))?$")
_BITS = {"longs": "SideWord", "shorts": "SideWord", "funding": "FundingWord", "config": "ConfigWord"}
MOVES = 240
COMPARE_EVERY = 30


def _layouts() -> dict[str, Layout]:
    """Return the layouts that stand beside the word types."""
    found: dict[str, Layout] = {}
    for path in sorted((ROOT / "contracts" / "types").glob("*.sol")):
        for text, name in _DOCUMENTED.findall(path.read_text(encoding="utf-8")):
            fields = " ".join(text.replace("///", " ").split()).split("|")
            layout: Layout = []
            for field in fields:
                match = _FIELD.match(field.strip())
                assert match, f"{name}: {field!r}"
                bits = 8 if match[2] == "bool" else int(match[3])
                first = int(match[5] or 0)
                layout += [(match[1], match[2], first + bits * item, bits) for item in range(int(match[4] or 1))]
            found[name] = layout
    return found


def _unpacked(word: int, layout: Layout) -> tuple[int, ...]:
    values = []
    for _, kind, start, bits in layout:
        raw = word >> start & (1 << bits) - 1
        values.append(raw - (1 << bits) if kind == "int" and raw >> (bits - 1) else raw)
    return tuple(values)


def _mapped(slot: int, *keys: int) -> int:
    for key in keys:
        slot = int.from_bytes(keccak(key.to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")
    return slot


@pytest.fixture(scope="module")
def layouts() -> dict[str, Layout]:
    return _layouts()


@pytest.fixture(scope="module")
def slots() -> dict[tuple[str, str], int]:
    """Return the slot of each state variable, as the compiler assigns it."""
    prepare()
    names = "Clearinghouse", "ClearinghouseExt", "OrderBook", "PriceOracle", "LiquidityVault"
    paths = {name: f"contracts/{name}.sol" for name in names}
    paths |= {name: f"contracts/mocks/{name}.sol" for name in ("LocalToken", "LocalAggregator")}
    remappings = [
        "@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/",
        "solady/=node_modules/solady/src/",
        "@pythnetwork/pyth-sdk-solidity/=node_modules/@pythnetwork/pyth-sdk-solidity/",
    ]
    request = {
        "language": "Solidity",
        "sources": {path: {"content": (ROOT / path).read_text(encoding="utf-8")} for path in paths.values()},
        "settings": {
            "evmVersion": "cancun",
            "remappings": remappings,
            "outputSelection": {"*": {"*": ["storageLayout"]}},
        },
    }
    done = subprocess.run(
        [str(solc()), "--standard-json", "--base-path", str(ROOT), "--allow-paths", str(ROOT / "node_modules")],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    answer = json.loads(done.stdout)
    assert not [error for error in answer.get("errors", ()) if error["severity"] == "error"], answer["errors"]
    return {
        (name, variable["label"]): int(variable["slot"])
        for name, path in paths.items()
        for variable in answer["contracts"][path][name]["storageLayout"]["storage"]
    }


def test_words__documented_layouts__cover_every_word_without_overlap(layouts: dict[str, Layout]) -> None:
    assert set(layouts) == {
        "AccountWord",
        "PositionWord",
        "LedgerWord",
        "SideWord",
        "FundingWord",
        "ConfigWord",
        "PortfolioWord",
        "PriceWord",
    }
    for name, layout in layouts.items():
        end = 0
        for field, _, start, bits in layout:
            assert start == end, f"{name}.{field}"
            end += bits
        assert end <= 256, name


@pytest.mark.evm
@pytest.mark.parametrize("seed", [5, 6])
def test_words__after_many_moves__hold_what_the_views_say(
    stage: Stage, layouts: dict[str, Layout], slots: dict[tuple[str, str], int], seed: int
) -> None:
    with stage.scenario() as scenario:
        driver = Driver(scenario, SeededChoices(seed))
        chain = stage.chain

        def word(contract: str, variable: str, *keys: int, offset: int = 0) -> int:
            return chain.storage(stage.addresses[contract], _mapped(slots[contract, variable], *keys) + offset)

        def view(contract: str, function: str, *args: Any) -> Any:
            return chain.view(contract, function, *args)

        def compare() -> int:
            """Compare all words with what the views say; returns how many positions are open."""
            open_positions = 0
            for account in ACCOUNTS:
                held = view("Clearinghouse", "accountOf", account)
                assert _unpacked(word("Clearinghouse", "_accounts", account), layouts["AccountWord"]) == held
                for market in scenario.markets:
                    position = view("Clearinghouse", "positionOf", account, market)
                    packed = word("Clearinghouse", "_positions", account, market)
                    assert _unpacked(packed, layouts["PositionWord"]) == position
                    open_positions += packed != 0
                for slot in range(4):
                    committed_at, is_resting, order_hash = view("OrderBook", "commitmentOf", account, slot)
                    expected = is_resting << 255 | committed_at << 216 | order_hash
                    assert word("OrderBook", "_commitments", account, slot) == expected
            for market in scenario.markets:
                parts = view("Clearinghouse", "marketOf", market)
                for offset, (kind, part) in enumerate(zip(_BITS.values(), parts, strict=True)):
                    packed = word("Clearinghouse", "_markets", market, offset=offset)
                    assert _unpacked(packed, layouts[kind]) == part
                hedgeable, loadings, shocks = view("Clearinghouse", "portfolioOf", market)
                packed = word("Clearinghouse", "_markets", market, offset=len(parts))
                assert _unpacked(packed, layouts["PortfolioWord"]) == (hedgeable, *loadings, *shocks)
                cap, day, drawn = view("Clearinghouse", "insuranceOf", market)
                assert word("Clearinghouse", "_markets", market, offset=len(parts) + 1) == cap | day << 64 | drawn << 96
                state = view("PriceOracle", "priceState", market)
                assert _unpacked(word("PriceOracle", "_prices", market), layouts["PriceWord"]) == state
            assert _unpacked(word("Clearinghouse", "_ledger"), layouts["LedgerWord"]) == view("Clearinghouse", "ledger")
            for owner in EVERYBODY:
                flags, expires_at = view("Clearinghouse", "permissionOf", owner, OSCAR)
                packed = word("Clearinghouse", "_permissions", int(owner, 16), int(OSCAR, 16))
                assert packed == expires_at << 8 | flags
                assert word("Clearinghouse", "isExecutor", int(owner, 16)) == view("Clearinghouse", "isExecutor", owner)
            return open_positions

        positions = 0
        for played in range(1, MOVES + 1):
            driver.play()
            if played % COMPARE_EVERY == 0:
                positions += compare()
        assert positions > 0


def test_slots__of_the_fuzzer__are_the_compilers(slots: dict[tuple[str, str], int]) -> None:
    others = {"_authority", "_consumingSchedule", "_name", "_symbol"}
    found = {key: slot for key, slot in slots.items() if key[1] not in others}
    # The extension has the clearinghouse's variables, at the same slots, and those that only it uses.
    extension = {name: slot for (contract, name), slot in found.items() if contract == "ClearinghouseExt"}
    shared = {name: slot for (contract, name), slot in found.items() if contract == "Clearinghouse"}
    assert shared.items() <= extension.items()
    doubled = {("ClearinghouseExt", name) for name in shared}
    assert {key: slot for key, slot in found.items() if key not in doubled} == SLOTS


@pytest.mark.evm
def test_market__six_slots__and_no_more(slots: dict[tuple[str, str], int], stage: Stage) -> None:
    """A market is four words, one for portfolios and one for bad debt; an account and a position are one each."""
    with stage.scenario() as scenario:
        base = _mapped(slots["Clearinghouse", "_markets"], 0)
        house = stage.addresses["Clearinghouse"]
        assert scenario.trade(TRADING_ACCOUNTS[0], 0, 10**18).ok
        used = [offset for offset in range(8) if stage.chain.storage(house, base + offset)]
        assert used == [0, 1, 2, 3, 4, 5]
