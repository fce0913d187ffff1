"""The same moves through ape: its provider, its containers, what it decodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steelyard.demo.local import local_chain
from steelyard.evm.ape_chain import ApeChain
from steelyard.evm.chain import START
from steelyard.evm.deployment import Governors
from steelyard.fuzz import invariants
from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.driver import Driver
from steelyard.fuzz.pair import Pair, model_of
from steelyard.fuzz.scenario import Scenario
from steelyard.fuzz.stage import Stage

if TYPE_CHECKING:
    from steelyard.evm.abi import AbiIndex
    from steelyard.evm.artefacts import Artefacts
    from steelyard.parameters import SystemParameters

SEED = 10
MOVES = 120


@pytest.mark.anvil
@pytest.mark.slow
def test_sequence__through_ape__model_and_contracts_agree(
    artefacts: Artefacts, abi: AbiIndex, parameters: SystemParameters
) -> None:
    with local_chain(START):
        chain = ApeChain(artefacts, abi)
        started = chain.timestamp
        stage = Stage.built(chain, parameters)
        model = model_of(abi, stage.addresses, parameters, Governors(), timestamp=started)
        scenario = Scenario(Pair(model, chain, stage.addresses))
        scenario.set_stage()
        driver = Driver(scenario, SeededChoices(SEED), compare_every=MOVES + 1)
        for _ in range(MOVES):
            driver.play()
        scenario.compare()
        scenario.freshen()
        invariants.check_claims(scenario)
    succeeded = {action for action, _, error in driver.ended if not error}
    assert {"trade", "order", "liquidate", "withdraw", "deposit"} <= succeeded
    assert len({error for *_, error in driver.ended}) > 10
