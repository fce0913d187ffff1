"""Planted bugs: each still fits today's contracts, and the campaign finds what it should."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from steelyard.fuzz import self_test, version
from steelyard.fuzz.canaries import CANARIES, Canary, CanaryRotten
from steelyard.fuzz.canaries.build import CompilationFailed, build, read_sources
from steelyard.fuzz.findings import Finding, SelfTest, Store
from steelyard.fuzz.self_test import EXIT_INTERRUPTED, CanaryUnknown, find, run_self_test, sample
from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.canaries import Sources

FAST = ("settled-twice", "stale-price")
"""In contracts that compile in a second or two."""
QUICK = (*FAST, "commit-unauthorised")


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
        assert built[name].runtime_code


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


def _finding(id_: str = "x", *, found: bool = True, seconds: float | None = 1.0, kind: str = "kind") -> Finding:
    return Finding(id_, kind, "A.sol", "bug", found, 1_007, 0, "mismatch", "", 1.0, 1.0, 3, seconds)


@pytest.mark.parametrize(
    ("found", "seconds", "passed"),
    [((True, True), 59.0, True), ((True, False), 1.0, False), ((True, True), 61.0, False)],
)
def test_passed__enough_found_and_shrunk_in_time__only_then(
    found: tuple[bool, ...], seconds: float, passed: bool
) -> None:
    report = SelfTest(tuple(_finding(found=one, seconds=seconds) for one in found), 1.0, required=2, budget=9)
    assert report.passed is passed
    assert report.to_json()["passed"] is passed
    assert ("passed" if passed else "FAILED") in report.verdict()[-1]
    assert SelfTest.from_json(report.to_json()) == report


def test_verdict__missed_and_slow__named_with_what_is_wrong() -> None:
    findings = (_finding(), _finding("y", found=False), _finding("z", seconds=61.0))
    *wrong, last = SelfTest(findings, 1.0, required=2, budget=9).verdict()
    assert wrong == [
        "y: MISSED in 1,007 steps (bug)",
        "z: found by mismatch at step 1,007, 3 steps when shrunk, NOT SHRUNK in 60 s (bug)",
    ]
    assert last == "2 of 3 found within 9 steps each, 2 required, in 1 s: FAILED"


def test_from_json__kept_without_digest__is_read() -> None:
    document = SelfTest((_finding(),), 1.0, required=1, budget=9).to_json()
    del document["findings"][0]["digest"]
    assert SelfTest.from_json(document).findings == (_finding(),)


def test_summary__two_classes__a_row_for_each_and_for_all() -> None:
    findings = (_finding(), _finding("y", found=False, seconds=None, kind="other"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in SelfTest(findings, 1.0, 2, 9).summary()]
    assert rows[2] == ["kind", "1", "1", "1,007", "1,007", "3", "1 s"]
    assert rows[3] == ["other", "1", "0", "", "", "3", ""]
    assert rows[4][:3] == ["all", "2", "1"]


def test_store__written_and_cut_short__gives_back_what_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "1", Finding)
    assert store.read() == {}
    store.add(_finding())
    store.add(_finding("y", found=False))
    with store.path.open("a", encoding="utf-8") as file:
        file.write('{"id": "z", "ki')
    assert Store(tmp_path / "deep" / "1", Finding).read() == {"x": _finding(), "y": _finding("y", found=False)}
    store.clear()
    assert store.read() == {}


@pytest.mark.parametrize("count", [1, 10, 40, 10_000])
def test_sample__count__so_many_spread_over_classes(count: int) -> None:
    ids = sample(count)
    assert len(set(ids)) == len(ids) == min(count, len(CANARIES))
    assert len({CANARIES[id_].kind for id_ in ids}) >= min(count, 40) // 2


def test_run_self_test__bug_that_does_not_fit__tells_on_standard_error_and_returns_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(CANARIES, "rotten", Canary("rotten", "kind", "Lens.sol", "no such text", "", "bug"))
    assert run_self_test(ids=("rotten",), as_json=True) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "CanaryRotten: canary rotten: its text stands 0 times in contracts/Lens.sol, expected once\n" in told.err


def test_run_self_test__interrupted__tells_what_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, on_finding: Callable[[Finding], None], **__: object) -> SelfTest:
        on_finding(_finding())
        raise KeyboardInterrupt

    monkeypatch.setattr(self_test, "self_test", interrupted)
    assert run_self_test(ids=("settled-twice", "stale-price")) == EXIT_INTERRUPTED
    assert "interrupted: 1 of 2 are known" in capsys.readouterr().err


def test_snapshot__planted_bugs_of_today__found_and_shrunk_as_the_docs_say() -> None:
    report = SelfTest.from_json(json.loads((ROOT / "snapshots" / "canaries.json").read_text(encoding="utf-8")))
    played = {one.id for one in report.findings}
    assert not played - set(CANARIES)
    assert report.required >= 0.95 * len(report.findings)
    assert report.passed
    told = (ROOT / "docs" / "canaries.md").read_text(encoding="utf-8").splitlines()
    assert f"Planted today: {len(CANARIES)}, of which this table has {len(played)}." in told
    assert [line for line in report.summary() if line not in told] == []


@pytest.mark.evm
@pytest.mark.slow
def test_run_self_test__quick_bugs__pass_clean_are_found_and_shrink_and_are_known_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    assert run_self_test(ids=QUICK, budget=2_000, store=tmp_path, say=said.append) == 0
    for id_ in QUICK:
        assert any(line.startswith(f"{id_}: found by mismatch at step ") for line in said)
    assert said[-1].startswith("3 of 3 found within 2,000 steps each, 3 required")
    again: list[str] = []
    monkeypatch.setattr(self_test, "find", None)
    assert run_self_test(ids=QUICK, budget=2_000, resume=True, store=tmp_path, say=again.append) == 0
    assert sorted(again[:3]) == sorted(said[:3])


def test_self_test__resumed_with_a_bug_planted_otherwise__plays_that_one_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, workers: int, *_: object) -> None:
            super().__init__(workers)

    def find_nothing(id_: str | None, **_: object) -> Finding:
        played.append(id_ or "")
        canary = CANARIES.get(id_ or "")
        return replace(_finding(id_ or "", found=bool(id_)), digest=canary.digest if canary else "")

    monkeypatch.setattr(self_test, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(self_test, "build", lambda _, **__: build({}))
    monkeypatch.setattr(self_test, "find", find_nothing)

    def run() -> list[str]:
        played.clear()
        self_test.self_test(FAST, workers=1, resume=True, store=tmp_path)
        return sorted(played)

    assert run() == ["", *sorted(FAST)]
    assert run() == []
    changed = replace(CANARIES[FAST[0]], new=CANARIES[FAST[0]].new + " ")
    monkeypatch.setitem(CANARIES, FAST[0], changed)
    assert run() == [FAST[0]]


def test_version__planted_bug_added__is_the_same_and_other_code_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "ROOT", tmp_path)
    fuzzer = tmp_path / "steelyard" / "fuzz"
    (fuzzer / "canaries").mkdir(parents=True)
    (fuzzer / "driver.py").write_text("driver", encoding="utf-8")
    nothing = build({})
    before = version.Version.of(nothing)
    (fuzzer / "canaries" / "vault.py").write_text("bugs", encoding="utf-8")
    assert version.Version.of(nothing) == before
    (fuzzer / "driver.py").write_text("another", encoding="utf-8")
    assert version.Version.of(nothing).code != before.code
