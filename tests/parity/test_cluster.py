"""Campaigns on a cluster: real workers, each a process, play what one machine plays."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from distributed import LocalCluster

from steelyard.cli import cli
from steelyard.fuzz import cluster
from steelyard.fuzz.campaign import run_seed
from steelyard.fuzz.errors import ClusterUnreachable, WorkerDiffers
from steelyard.fuzz.schedule import Plan, Replayed
from steelyard.fuzz.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.schedule import Done

pytestmark = [pytest.mark.evm, pytest.mark.slow]

STEPS = 200


@pytest.fixture(scope="module")
def two_workers() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as started:
        yield started


@pytest.fixture(scope="module")
def version(artefacts: Artefacts) -> Version:
    return Version.of(artefacts)


def test_play__on_a_cluster__gives_what_one_machine_gives(two_workers: LocalCluster, version: Version) -> None:
    trace = run_seed(9, STEPS).trace
    plan = Plan(seed=3, steps=3 * STEPS, seed_steps=STEPS, traces=((9, trace),))
    done = list(cluster.play(plan, two_workers.scheduler_address, version))
    assert sorted((one for one in done if not isinstance(one, Replayed)), key=_seed) == [
        run_seed(seed, STEPS) for seed in (3, 4, 5)
    ]
    assert [one for one in done if isinstance(one, Replayed)] == [Replayed(9, len(trace), None)]


def test_play__worker_dies__its_seeds_are_played_by_others(two_workers: LocalCluster, version: Version) -> None:
    plan = Plan(seed=1, steps=12 * STEPS, seed_steps=STEPS)
    done: list[Done] = []
    for one in cluster.play(plan, two_workers.scheduler_address, version):
        if not done:
            os.kill(two_workers.workers[0].pid, signal.SIGKILL)
        done.append(one)
    assert sorted(map(_seed, done)) == list(range(1, 13))
    assert max(done, key=_seed) == run_seed(12, STEPS)


def test_play__worker_with_other_contracts__is_refused_by_name(two_workers: LocalCluster, version: Version) -> None:
    other = replace(version, contracts="0" * 16)
    with pytest.raises(WorkerDiffers, match=f"contracts {version.contracts} instead of {other.contracts}"):
        list(cluster.play(Plan(steps=STEPS), two_workers.scheduler_address, other))


def test_play__cluster_without_workers__is_an_error(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(ClusterUnreachable, match="no worker within 1 seconds"),
    ):
        list(cluster.play(Plan(steps=STEPS), empty.scheduler_address, version))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "pigeon://a:1"])
def test_fuzz__no_cluster_there__is_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1)
    done = CliRunner().invoke(cli, ["fuzz", "--cluster", address, "--steps", "10"])
    assert done.exit_code == 1
    assert (
        done.output.strip().splitlines()[-1].startswith(f"Error: ClusterUnreachable: {address}: no scheduler answers")
    )


def _seed(done: Done) -> int:
    return done.seed
