"""Mutants of the libraries: how they are made and drawn, what becomes of them, and that what lives is argued."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from steelyard.fuzz import mutants as mutants_module
from steelyard.fuzz import mutation
from steelyard.fuzz.canaries.build import CompilationFailed, check, read_sources
from steelyard.fuzz.findings import Store
from steelyard.fuzz.mutants import LIBRARIES, Mutant, MutatorMissing, drawn, mutants_of, operator_of
from steelyard.fuzz.mutation import OUTCOMES, Judge, Verdict, argued, document
from steelyard.toolchain import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from steelyard.fuzz.canaries import Sources


@pytest.fixture(scope="module")
def sources() -> Sources:
    return read_sources()


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "snapshots" / "mutation.json").read_text(encoding="utf-8"))
    return document


def _mutant(sources: Sources, library: str, old: str, new: str, id_: str = "x") -> Mutant:
    """Return the mutant of the only line with `old` in it."""
    lines = sources[f"contracts/libraries/{library}.sol"].splitlines(keepends=True)
    (number,) = [number for number, line in enumerate(lines) if old in line]
    line = lines[number]
    return Mutant(id_, library, number + 1, "arithmetic", line, line.replace(old, new))


# ---- making and drawing


@pytest.mark.parametrize(
    ("pattern", "operator"),
    [
        (r"\+", "arithmetic"),
        ("==", "comparison"),
        ("&&", "logic"),
        (r"if (\(.*\))", "condition"),
        (r"(\D)(\d+)(\D)", "number"),
        (r"(^\s*)(\S+.*)\n", "statement"),
        (r"(\S+\s+)(\S+)(\s+)", "token"),
        (r"([,\(\[\{])([^=,\)\}\]]+),([^=,\)\}\]]+)([,\)\]\}])", "arguments"),
        ("min", "name"),
        ("uint", "type"),
    ],
)
def test_operator_of__pattern_of_a_rule__what_it_changes(pattern: str, operator: str) -> None:
    assert operator_of(pattern) == operator


def test_mutants_of__tool_not_installed__refused(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants_module, "_PYTHON", ROOT / "none-such")
    with pytest.raises(MutatorMissing, match="make mutate"):
        mutants_of("Margin", sources)


def test_mutants_of__answer_of_the_tool__lines_with_ids_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = [[1, "a;\n", "-([^>])"], [3, "a;\n", "-([^>])"], [2, "", "(^\\s*)"]]
    answer, tool = tmp_path / "answer.json", tmp_path / "tool"
    answer.write_text(json.dumps(found), encoding="utf-8")
    tool.write_text(f"#!/bin/sh\ncat '{answer}'\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setattr(mutants_module, "_PYTHON", tool)
    text = {"contracts/libraries/Margin.sol": "-a;\nb;\n-a;\n"}
    first, last, dropped = mutants_of("Margin", text)
    assert first.plant(text) == {"contracts/libraries/Margin.sol": "a;\nb;\n-a;\n"}
    assert last.plant(text) == {"contracts/libraries/Margin.sol": "-a;\nb;\na;\n"}
    assert dropped.plant(text) == {"contracts/libraries/Margin.sol": "-a;\n-a;\n"}
    assert len({first.id, last.id, dropped.id}) == 3
    assert (first.line, first.operator, first.old) == (1, "arithmetic", "-a;\n")
    later = {"contracts/libraries/Margin.sol": "c;\n" + text["contracts/libraries/Margin.sol"]}
    answer.write_text(json.dumps([[2, *found[0][1:]]]), encoding="utf-8")
    assert mutants_of("Margin", later)[0].id == first.id


def test_drawn__seed__libraries_and_operators_in_turn_and_another_order_for_another_seed() -> None:
    mutants = [
        Mutant(f"{library}-{number}", library, number, operator, "", "")
        for library in ("Bounds", "Words")
        for operator in ("number", "type")
        for number in range(20)
    ]
    order = drawn(mutants, 1)
    assert sorted(order, key=mutants.index) == mutants
    assert len({(one.library, one.operator) for one in order[:4]}) == 4
    assert drawn(reversed(mutants), 1) == order
    assert drawn(mutants, 2) != order


# ---- judging


@pytest.mark.evm
@pytest.mark.slow
def test_judge__four_mutants__killed_same_duplicate_and_invalid(sources: Sources) -> None:
    change = "price > previous ? price - previous : previous - price"
    killed = _mutant(sources, "Volatility", change, "price + previous", "killed")
    duplicate = _mutant(sources, "Volatility", change, "previous + price", "duplicate")
    same = _mutant(sources, "Volatility", change, f"({change})", "same")
    # The library compiles by itself, what uses it does not.
    invalid = _mutant(sources, "Volatility", "function updatedVariance", "function updated", "invalid")
    judge = Judge(sources, {}, budget=2_500)
    first = judge.judge(killed)
    assert (first.outcome, first.by) == ("killed", "mismatch")
    assert 0 < first.steps < 2_500
    again = judge.judge(duplicate)
    assert again.outcome == ("duplicate" if again.code == first.code else "killed")
    assert judge.judge(same).outcome == "same"
    assert judge.judge(invalid).outcome == "invalid"
    assert Judge(sources, {"killed": first}).judge(_mutant(sources, "Volatility", change, "price + previous")).by == (
        "killed"
    )


def test_check__types_that_do_not_fit__refused(sources: Sources) -> None:
    check("contracts/libraries/Volatility.sol", sources)
    wrong = _mutant(sources, "Volatility", "uint256 change =", "bool change =")
    with pytest.raises(CompilationFailed, match="Volatility"):
        check(wrong.path, wrong.plant(sources))


# ---- what is told


def _verdict(id_: str, outcome: str, library: str = "Margin") -> Verdict:
    return Verdict(id_, library, 3, "number", "a", "b", outcome, "mismatch", 7, "code")


def test_document__verdicts__counted_by_library_without_code() -> None:
    verdicts = [_verdict("b", "killed"), _verdict("a", "survived"), _verdict("c", "same", "Words")]
    verdicts.append(_verdict("d", "invalid"))
    told = document(verdicts, Counter(Margin=9, Words=4), seed=1)
    counts = {"killed": 1, "survived": 1, "same": 0, "duplicate": 0, "invalid": 1}
    assert told["libraries"]["Margin"] == {"made": 9, "drawn": 3, **counts}
    assert told["libraries"]["Words"]["same"] == 1
    assert [one["id"] for one in told["mutants"]] == ["a", "b", "c"]
    assert "code" not in told["mutants"][0]
    assert told["seed"] == 1


def test_argued__text__ids_in_backticks() -> None:
    assert argued("| `Margin-0123abcd` | why | Words-0123abcd `Other-0123abcd` `Margin-0123`") == {"Margin-0123abcd"}


@pytest.mark.parametrize(("is_argued", "code"), [(False, 5), (True, 0)])
def test_main__one_lives__fails_unless_it_is_argued(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sources: Sources, *, is_argued: bool, code: int
) -> None:
    mutant = _mutant(sources, "Volatility", "uint256 change =", "uint256  change =", "Volatility-0123abcd")
    monkeypatch.setattr(mutation, "_FOLDER", tmp_path)
    monkeypatch.setattr(mutation, "find", lambda *_, **__: _Passed())
    monkeypatch.setattr(mutation, "mutants_of", lambda *_: [mutant])
    monkeypatch.setattr(mutation, "argued", lambda: {mutant.id} if is_argued else set())

    class Lenient:
        def __init__(self, *_: object) -> None:
            pass

        def judge(self, mutant: Mutant) -> Verdict:
            return _verdict(mutant.id, "survived", mutant.library)

    monkeypatch.setattr(mutation, "Judge", Lenient)
    result = CliRunner().invoke(mutation.main, ["--library", "Volatility", "--json"])
    assert result.exit_code == code, result.output
    store = Store(next(tmp_path.glob("verdicts-*.jsonl")), Verdict)
    assert list(store.read()) == [mutant.id]


class _Passed:
    found = False


# ---- the snapshot


def test_snapshot__mutants_that_live__are_explained_one_by_one_and_are_of_todays_libraries(
    snapshot: dict[str, Any], sources: Sources
) -> None:
    lives = {one["id"]: one for one in snapshot["mutants"] if one["outcome"] == "survived"}
    assert set(lives) == argued()
    for one in lives.values():
        assert one["old"] in sources[f"contracts/libraries/{one['library']}.sol"]


def test_snapshot__sample__is_of_all_libraries_and_large(snapshot: dict[str, Any]) -> None:
    told = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
    missing = sorted(set(LIBRARIES) - set(snapshot["libraries"]))
    assert not set(snapshot["libraries"]) - set(LIBRARIES)
    assert not missing or f"Not in the sample yet: {', '.join(missing)}." in told
    played = [one for one in snapshot["mutants"] if one["outcome"] in ("killed", "survived")]
    assert len(played) == (snapshot["sample"] or len(played)) >= 60
    assert {one["outcome"] for one in snapshot["mutants"]} <= set(OUTCOMES)
