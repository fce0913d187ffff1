"""Planted bugs: each still fits today's contracts, and the campaign finds what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard.fuzz.canaries import CANARIES, Canary, CanaryRotten
from steelyard.fuzz.canaries.build import CompilationFailed, build, read_sources
from steelyard.fuzz.self_test import CanaryUnknown, Finding, SelfTest, find, run_self_test

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.canaries import Sources

FAST = ("settled-twice", "stale-price")
"""In contracts that compile in a second or two."""


@pytest.fixture(scope="module")
def sources() -> Sources:
    return read_sources()


def test_canaries__all__are_many_and_of_many_kinds() -> None:
    assert len(CANARIES) >= 44
    assert len({canary.kind for canary in CANARIES.values()}) >= 25
    assert all(canary.id == id_ and canary.bug for id_, canary in CANARIES.items())


def test_canaries__no_two__are_the_same_change() -> None:
    changes = {(canary.file, canary.old, canary.new) for canary in CANARIES.values()}
    assert len(changes) == len(CANARIES)


@pytest.mark.parametrize("id_", CANARIES)
def test_plant__todays_contracts__changes_one_place_in_one_file(sources: Sources, id_: str) -> None:
    canary = CANARIES[id_]
    planted = canary.plant(sources)
    assert {path for path in sources if planted[path] != sources[path]} == {canary.path}
    assert planted[canary.path] == sources[canary.path].replace(canary.old, canary.new)


@pytest.mark.parametrize(("old", "new"), [("c", "d"), ("a", "a"), ("b", "d")])
def test_plant__text_not_there_or_twice_or_unchanged__refused(old: str, new: str) -> None:
    canary = Canary("x", "kind", "A.sol", old, new, "bug")
    with pytest.raises(CanaryRotten, match="canary x"):
        canary.plant({"contracts/A.sol": "a b b"})


@pytest.mark.slow
def test_build__contracts_as_they_are__declare_what_the_projects_own_build_declares(
    sources: Sources, artefacts: Artefacts
) -> None:
    built = build(sources)
    for name in ("Authority", "Clearinghouse", "Lens", "LocalPyth", "LocalToken", "OrderBook", "PriceOracle"):
        assert built[name].selectors == artefacts[name].selectors
        assert 0 < len(built[name].runtime_code) <= 24_576


def test_build__text_that_does_not_compile__refused(sources: Sources, tmp_path: Path) -> None:
    broken = {"contracts/Authority.sol": "contract {"}
    with pytest.raises(CompilationFailed, match="Authority"):
        build(broken, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.evm
@pytest.mark.parametrize("id_", FAST)
def test_find__planted_bug__is_found(id_: str, artefacts: Artefacts, tmp_path: Path) -> None:
    found = find(id_, budget=2_000, shrink=False, base=artefacts, cache=tmp_path)
    assert found.found
    assert found.by == "mismatch"
    assert found.steps <= 2_000


def test_find__no_such_bug__refused() -> None:
    with pytest.raises(CanaryUnknown, match="settled-twice"):
        find("none-such")


def _finding(*, found: bool, shrink_seconds: float | None = None) -> Finding:
    return Finding("x", "kind", "A.sol", "bug", found, 7, 0, "mismatch", "", 1.0, 1.0, 3, shrink_seconds)


@pytest.mark.parametrize(
    ("found", "seconds", "passed"),
    [((True, True), 59.0, True), ((True, False), 1.0, False), ((True, True), 61.0, False)],
)
def test_passed__enough_found_and_shrunk_in_time__only_then(
    found: tuple[bool, ...], seconds: float, passed: bool
) -> None:
    report = SelfTest(tuple(_finding(found=one, shrink_seconds=seconds) for one in found), 1.0, required=2)
    assert report.passed is passed
    assert report.to_json()["passed"] is passed
    assert ("passed" if passed else "FAILED") in report.table()[-1]


def test_run_self_test__bug_that_does_not_fit__tells_and_returns_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CANARIES, "rotten", Canary("rotten", "kind", "Lens.sol", "no such text", "", "bug"))
    said: list[str] = []
    assert run_self_test(ids=("rotten",), say=said.append) == 1
    assert said == ["CanaryRotten: canary rotten: its text stands 0 times in contracts/Lens.sol, expected once"]


@pytest.mark.evm
@pytest.mark.slow
def test_run_self_test__one_bug__passes_clean_is_found_and_shrinks() -> None:
    said: list[str] = []
    assert run_self_test(ids=("settled-twice",), budget=2_000, workers=1, say=said.append) == 0
    assert said[0].startswith("settled-twice: found by mismatch")
    assert said[-1].startswith("1 of 1 found")
