"""Seeds of the flows in wake's own loop: run by wake's interpreter, tells its rate as JSON.

Wake picks the flows and restores its chain; each flow builds its arguments, runs the model and compares as ours does.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import ClassVar

from wake.testing import chain
from wake.testing.fuzzing import FuzzTest, flow

from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.expected import Expected
from steelyard.fuzz.pair import Pair
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage
from steelyard.parameters import load
from tests.bench.wake.chain import WakeChain
from tests.bench.wake.decoded import Decoded, DecodingChain
from tests.bench.wake.flows import FLOWS


class _Play(FuzzTest):  # type: ignore[misc]
    """A sequence is a seed."""

    seed: ClassVar[int]
    stage: ClassVar[Stage]
    expected: ClassVar[Expected]
    played: ClassVar[int]

    def pre_sequence(self) -> None:
        """Set the stage, which counts as ours does."""
        stage = type(self).stage
        assert isinstance(stage.chain, WakeChain)
        stage.chain.rewind()
        self.choices = SeededChoices(type(self).seed)
        pair = Pair(stage.model(), stage.chain, stage.addresses, expected=type(self).expected)
        self.scenario = Scenario(pair)
        self.scenario.set_stage()

    @flow()
    def flow_deposit(self) -> None:
        """Deposit."""
        FLOWS["deposit"](self.scenario, self.choices)

    @flow()
    def flow_withdraw(self) -> None:
        """Withdraw."""
        FLOWS["withdraw"](self.scenario, self.choices)

    @flow()
    def flow_price(self) -> None:
        """Move all prices."""
        FLOWS["price"](self.scenario, self.choices)

    @flow()
    def flow_trade(self) -> None:
        """Open or enlarge a position."""
        FLOWS["trade"](self.scenario, self.choices)

    @flow()
    def flow_order(self) -> None:
        """Commit to an order and settle it."""
        FLOWS["order"](self.scenario, self.choices)

    @flow()
    def flow_liquidate(self) -> None:
        """Sink an account and liquidate it."""
        FLOWS["liquidate"](self.scenario, self.choices)

    def post_sequence(self) -> None:
        """Count the steps."""
        type(self).played = len(self.scenario.pair.trace)


def main() -> None:
    """Play and print steps and seconds of each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--bytes", action="store_true", help="compare bytes by our encoders instead of wake's values")
    options = parser.parse_args()
    with chain.connect():
        wake = WakeChain() if options.bytes else DecodingChain()
        _Play.stage = Stage.built(wake, load())
        _Play.expected = Expected(wake) if options.bytes else Decoded(wake)
        _Play.seed = 0
        _Play.run(1, 100)
        seeds = []
        for seed in options.seeds:
            _Play.seed = seed
            started = time.process_time()
            _Play.run(1, options.flows)
            seeds.append({"steps": _Play.played, "seconds": time.process_time() - started})
    print(json.dumps(seeds))


if __name__ == "__main__":
    main()
