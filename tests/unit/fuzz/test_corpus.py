"""A corpus: kept whole, minimised without loss, refused by name where a file is broken, renewed where code changed."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from steelyard.fuzz.campaign import SeedResult
from steelyard.fuzz.corpus import Corpus
from steelyard.fuzz.errors import CorpusUnusable
from steelyard.fuzz.pair import Step
from steelyard.fuzz.version import Version

if TYPE_CHECKING:
    from pathlib import Path

TODAY = Version("contracts", "code")
TOMORROW = Version("contracts", "other code")


def _result(seed: int, *features: str) -> SeedResult:
    """Return a seed that shows one feature at each step."""
    trace = tuple(Step("0x" + "11" * 20, "Clearinghouse", "deposit", (seed, at)) for at in range(len(features) + 2))
    shown = {feature: at for at, feature in enumerate(features, 1)}
    return SeedResult(seed, len(trace), None, Counter(), Counter(), shown, trace)


def _seeds(corpus: Corpus) -> list[int]:
    return [seed for seed, _ in corpus.traces()]


def test_add__seed_that_shows_nothing_new__is_counted_and_not_kept(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    assert corpus.add(_result(1, "a", "b"))
    assert not corpus.add(_result(2, "b", "a"))
    assert corpus.add(_result(3, "a", "c"))
    assert corpus.totals.seeds == {1, 2, 3}
    assert _seeds(corpus) == [1, 3]


def test_add__trace__ends_with_the_last_step_that_shows_something_new(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    corpus.add(_result(1, "a"))
    corpus.add(_result(2, "b", "a"))
    assert [len(trace) for _, trace in corpus.traces()] == [1, 1]


def test_minimise__features_that_others_show__go_and_none_is_lost(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    for result in (_result(1, "a", "b"), _result(2, "b", "c"), _result(3, "a", "b", "c", "d"), _result(4, "e")):
        corpus.add(result)
    assert corpus.minimise() == 2
    assert corpus.features == 5
    assert _seeds(corpus) == [3, 4]
    assert {path.name for path in tmp_path.iterdir()} == {"campaign.json"} | {
        path.name for path in tmp_path.glob("[34]-*.json.gz")
    }


def test_minimise__three_traces_of_which_two_serve__drops_one(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    for result in (_result(1, "a", "b"), _result(2, "b", "c"), _result(3, "a", "c", "d")):
        corpus.add(result)
    assert corpus.minimise() == 1
    assert corpus.features == 4


def test_minimise__interrupted__leaves_all_that_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(tmp_path)
    for result in (_result(1, "a"), _result(2, "a", "b")):
        corpus.add(result)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.unlink", interrupt)
        with pytest.raises(KeyboardInterrupt):
            corpus.minimise()
    assert _seeds(Corpus(tmp_path)) == [2]


def test_corpus__same_version__goes_on(tmp_path: Path) -> None:
    Corpus(tmp_path, TODAY).add(_result(1, "a"))
    again = Corpus(tmp_path, TODAY)
    assert not again.is_stale
    assert again.totals.seeds == {1}


def test_corpus__other_version__keeps_traces_and_counts_nothing(tmp_path: Path) -> None:
    Corpus(tmp_path, TODAY).add(_result(1, "a"))
    stale = Corpus(tmp_path, TOMORROW)
    assert stale.is_stale
    assert stale.totals.steps == 0
    assert _seeds(stale) == [1]
    # Until all traces were replayed it stays so, whatever was played meanwhile.
    stale.add(_result(1, "b", "c"))
    assert Corpus(tmp_path, TOMORROW).is_stale
    stale.renew()
    renewed = Corpus(tmp_path, TOMORROW)
    assert not renewed.is_stale
    assert renewed.totals.seeds == {1}
    assert _seeds(renewed) == [1, 1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": {"1": 3}}'])
def test_corpus__broken_state__names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "campaign.json").write_text(text)
    with pytest.raises(CorpusUnusable, match=r"campaign\.json: not the state of a campaign"):
        Corpus(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no gzip", None])
def test_traces__broken_file__is_named(tmp_path: Path, content: bytes | None) -> None:
    corpus = Corpus(tmp_path)
    corpus.add(_result(1, "a"))
    (path,) = tmp_path.glob("*.gz")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(CorpusUnusable, match=path.name):
        corpus.traces()


def test_traces__file_cut_short__is_named(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path)
    corpus.add(_result(1, "a"))
    (path,) = tmp_path.glob("*.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorpusUnusable, match=path.name):
        corpus.traces()


def test_corpus__folder_that_cannot_be_made__is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusUnusable, match="file"):
        Corpus(tmp_path / "file" / "corpus")


def test_corpus__state__holds_what_was_added(tmp_path: Path) -> None:
    Corpus(tmp_path, TODAY).add(_result(1, "a", "b"))
    document = json.loads((tmp_path / "campaign.json").read_text())
    assert document["seeds"] == [1]
    assert document["version"] == {"contracts": "contracts", "code": "code", "walk": ""}
    assert not list(tmp_path.glob("*.part"))
