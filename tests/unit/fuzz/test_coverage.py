"""Coverage: probes leave the code's behaviour alone, see every way through it, and what they see is told."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from steelyard.cli import cli
from steelyard.evm.machine import Machine
from steelyard.fuzz.canaries.build import CompilationFailed, build, read_sources
from steelyard.fuzz.coverage.argued import ARGUED
from steelyard.fuzz.coverage.measure import Coverage
from steelyard.fuzz.coverage.probes import BASE, Probed
from steelyard.fuzz.coverage.report import document, gaps, lcov, summary

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.fuzz.canaries.canary import Sources

pytestmark = pytest.mark.evm

PATH = "contracts/Sample.sol"
SAMPLE = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

type Count is uint256;

function plus(Count a, Count b) pure returns (Count) {
    return Count.wrap(Count.unwrap(a) + Count.unwrap(b));
}

using {plus as +} for Count global;

contract Sample {
    error Odd(uint256 value); // é: offsets count bytes

    modifier even(uint256 value) {
        if (value % 2 == 1) revert Odd(value);
        _;
    }

    function halve(uint256 value) external pure even(value) returns (uint256) {
        return value / 2;
    }

    function sort(uint256 value) external pure returns (uint256 found) {
        if (value < 10 && value != 5) found = 1;
        else if (value < 100) {
            found = 2;
        } else found = value > 1000 ? 4 : 3;
    }

    function sum(uint256 until) external pure returns (uint256) {
        Count total;
        for (uint256 i; i < until; ++i) {
            if (i == 3) continue;
            unchecked {
                total = total + Count.wrap(i);
            }
        }
        require(Count.unwrap(total) < 100, "large");
        return Count.unwrap(total);
    }

    function attempt(uint256 value) external view returns (bool) {
        try this.halve(value) {
            return true;
        } catch {
            return false;
        }
    }

    function never() external pure returns (uint256) {
        return 7;
    }
}
"""
NOBODY = "0x" + "00" * 19 + "42"


class _Sample:
    """The sample with probes, and what they saw."""

    def __init__(self, probed: Probed, chain: Machine) -> None:
        self.probed, self._chain = probed, chain
        chain.deploy("Sample", sender=NOBODY)

    def call(self, function: str, value: int) -> Any:
        outcome = self._chain.read("Sample", function, (value,))
        return outcome.returns[0] if outcome.ok else outcome.error and outcome.error.name

    def coverage(self, sources: Sources) -> Coverage:
        seen = {int(address, 16) - BASE for address in self._chain.looked_at}
        return Coverage(self.probed.points, sources, Counter(seen), 1, 0)

    def gaps(self) -> set[tuple[int, str, str]]:
        return {(gap.line, gap.what, gap.text) for gap in gaps(self.coverage({PATH: SAMPLE}))}


@pytest.fixture
def sample() -> _Sample:
    probed = Probed({PATH: SAMPLE})
    return _Sample(probed, Machine(build(probed.sources)))


def test_probed__calls__return_what_they_did(sample: _Sample) -> None:
    assert [sample.call("halve", value) for value in (4, 5)] == [2, "Odd"]
    assert [sample.call("sort", value) for value in (1, 5, 50, 500, 5000)] == [1, 2, 2, 3, 4]
    assert [sample.call("sum", until) for until in (0, 5, 50)] == [0, 7, "Error"]
    assert [sample.call("attempt", value) for value in (4, 5)] == [True, False]


def test_gaps__nothing_called__every_function_is_one(sample: _Sample) -> None:
    assert {what for _, what, _ in sample.gaps()} == {"never executed"}
    assert len(sample.gaps()) == len([point for point in sample.probed.points if point.kind == "function"])


def test_gaps__reverts_and_views__count(sample: _Sample) -> None:
    sample.call("halve", 5)
    assert (17, "never executed", "") not in sample.gaps()
    lines = {(line, what) for line, what, _ in sample.gaps()}
    assert (16, "never false") in lines
    assert (20, "never executed") in lines


def test_gaps__both_ways_through_everything__only_what_was_not_called(sample: _Sample) -> None:
    calls = {"halve": (4, 5), "sort": (1, 5, 50, 500, 5000), "sum": (5, 50), "attempt": (4, 5)}
    for function, values in calls.items():
        for value in values:
            sample.call(function, value)
    assert sample.gaps() == {(51, "never executed", "")}


def test_gaps__operands__are_told_apart(sample: _Sample) -> None:
    for value in (1, 50):
        sample.call("sort", value)
    told = {(what, text) for line, what, text in sample.gaps() if 24 <= line <= 28}
    assert told == {
        ("never false", "value != 5"),
        ("never false", "value < 100"),
    }


def test_lcov__sample__counts_what_was_hit(sample: _Sample) -> None:
    sample.call("sort", 1)
    text = lcov(sample.coverage({PATH: SAMPLE}))
    records = Counter(line.partition(":")[0] for line in text.splitlines())
    assert records["SF"] == records["end_of_record"] == 1
    assert "FNDA:1,Sample.sort" in text
    assert "FNDA:0,Sample.never" in text
    assert "DA:25,1" in text
    assert "DA:52,0" in text
    assert {line for line in text.splitlines() if line.startswith("BRDA:25,")} == {
        f"BRDA:25,{block},{way},{way}" for block in (1, 2, 3) for way in (0, 1)
    }
    total = summary(sample.coverage({PATH: SAMPLE}))
    for name, (covered, all_) in (("FN", total.functions), ("L", total.lines), ("BR", total.branches)):
        assert f"{name}F:{all_}" in text
        assert f"{name}H:{covered}" in text


def test_document__sample__lists_functions_and_gaps(sample: _Sample) -> None:
    told = document(sample.coverage({PATH: SAMPLE}))
    assert {one["function"] for one in told["functions"]} >= {"plus", "Sample.sort", "Sample.even"}
    assert {gap["function"] for gap in told["uncovered"]} >= {"Sample.never"}
    assert told["files"][PATH] == told["total"]


def test_probed__text_that_does_not_compile__is_refused() -> None:
    with pytest.raises(CompilationFailed, match="ParserError"):
        Probed({PATH: SAMPLE.replace("contract", "contrat")})


def test_argued__each__is_in_todays_contracts() -> None:
    points = Probed(read_sources()).points
    known = {(point.function, point.text) for point in points}
    assert {(function, text) for function, _, text in ARGUED} <= known


@pytest.mark.slow
def test_fuzz__coverage_of_a_corpus__is_reported(tmp_path: Path) -> None:
    corpus, tracefile = str(tmp_path / "corpus"), tmp_path / "lcov.info"
    options = ["fuzz", "--steps", "300", "--corpus", corpus, "--allow-unreached", "--json"]
    assert CliRunner().invoke(cli, options).exit_code == 0
    done = CliRunner().invoke(cli, ["fuzz", "--corpus", corpus, "--coverage", "--lcov", str(tracefile), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["traces"] == 1
    lines = told["total"]["lines"]
    assert 0.5 * lines["all"] < lines["covered"] < lines["all"]
    assert "contracts/mocks/LocalPyth.sol" not in told["files"]
    assert f"SF:{next(iter(told['files']))}" in tracefile.read_text()


@pytest.mark.parametrize("options", [["--coverage"], ["--coverage", "--corpus", "nowhere"], ["--lcov", "x"]])
def test_fuzz__coverage_of_nothing__is_wrong_usage(options: list[str]) -> None:
    assert CliRunner().invoke(cli, ["fuzz", *options]).exit_code == 2
