"""Every function against every kind of caller, generated from the ABI (I36); what governance cannot move (I37); what a
pause does not stop (I38)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steelyard.evm.abi import signature
from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD, TREASURY
from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.moves import AIMS, Aim
from steelyard.fuzz.moves.vault import provide
from steelyard.fuzz.scenario import (
    ACCOUNTS,
    ALICE,
    BOB,
    KIM,
    KIMS,
    OSCAR,
    TOKEN,
    TRADING_ACCOUNTS,
    WAD,
    Scenario,
)
from steelyard.roles import FUNCTION_ROLES, Role
from tests.parity.entry_points import RESTING, arguments, changing, zero_of

if TYPE_CHECKING:
    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.stage import Stage

pytestmark = pytest.mark.evm

ALICES, SECOND = TRADING_ACCOUNTS[:2]
HOLDERS = {Role.ADMIN: ADMIN, Role.GUARDIAN: GUARDIAN, Role.STEWARD: STEWARD}
CALLERS = (ADMIN, GUARDIAN, LIQUIDITY, STEWARD, TREASURY, KIM, OSCAR, ALICE, BOB)
"""Every role, the treasury's owner, an executor, a stranger, the owner of the account in question, another owner."""
ANYONE = "anyone"
NOBODY = "nobody"
OWNER = "owner"
EXECUTOR = "executor"
VAULT = "vault"

GATES: dict[str, dict[str, str]] = {
    "Clearinghouse": {
        **dict.fromkeys(("accrue", "collectTreasury", "deleverage", "deposit", "fundInsurance", "fundPool"), ANYONE),
        **dict.fromkeys(("closeRemnant", "liquidate", "multicall", "setOperator"), ANYONE),
        **dict.fromkeys(("permitOperator", "cancelNonces"), ANYONE),
        **dict.fromkeys(("movePosition", "setLeverage", "setMarginMode", "transfer", "withdraw"), OWNER),
        "defundPool": VAULT,
        "trade": EXECUTOR,
        "setAuthority": NOBODY,
    },
    "OrderBook": {
        **dict.fromkeys(("cancel", "cancelPlaced", "commit", "place"), OWNER),
        **dict.fromkeys(("settle", "trigger", "trail", "execute", "provePrice"), ANYONE),
        **dict.fromkeys(("updatePrices", "batch", "cancelNonces"), ANYONE),
        **dict.fromkeys(("commitSigned", "placeSigned"), ANYONE),
    },
    "PriceOracle": {"parseFirst": ANYONE, "update": ANYONE, "setAuthority": NOBODY},
    "Lens": {},
    "LiquidityVault": {
        **dict.fromkeys(("approve", "transfer", "transferFrom", "fulfil", "setOperator"), ANYONE),
        **dict.fromkeys(("requestDeposit", "cancelDeposit", "cancelRedeem"), OWNER),
        **dict.fromkeys(("deposit", "mint", "withdraw", "redeem"), OWNER),
        **dict.fromkeys(("deposit(uint256,address)", "mint(uint256,address)", "requestRedeem"), ANYONE),
    },
    "Authority": {
        **dict.fromkeys(("multicall", "renounceRole"), ANYONE),
        **dict.fromkeys(("cancel", "consumeScheduledOp", "execute", "schedule"), NOBODY),
        **dict.fromkeys(
            (
                "grantRole",
                "labelRole",
                "revokeRole",
                "setGrantDelay",
                "setRoleAdmin",
                "setRoleGuardian",
                "setTargetAdminDelay",
                "setTargetClosed",
                "setTargetFunctionRole",
                "updateAuthority",
            ),
            "ADMIN",
        ),
    },
}
"""Who may call what changes the state, restricted functions apart, which `steelyard.roles` names."""
REFUSALS = {
    "AccessManagedUnauthorized",
    "AccessManagerUnauthorizedAccount",
    "AccessManagerUnauthorizedCall",
    "AccessManagerUnauthorizedCancel",
    "AccessManagerUnauthorizedConsume",
    "AccessManagerNotScheduled",
    "AccountUnauthorized",
    "CallerUnauthorized",
    "ExecutorUnauthorized",
    "VaultUnauthorized",
}


def _gate(contract: str, name: str) -> str:
    for role, names in FUNCTION_ROLES.get(contract, {}).items():
        if name.partition("(")[0] in names:
            return role.name
    return GATES[contract].get(name) or GATES[contract][name.partition("(")[0]]


def _may(gate: str, caller: str) -> bool:
    match gate:
        case "anyone":
            return True
        case "nobody":
            return False
        case "owner":
            return caller == ALICE
        case "executor":
            return caller == KIM
        case "vault":
            return False
        case _:
            return caller == HOLDERS[Role[gate]]


def test_gates__cover_every_function_that_changes_anything(artefacts: Artefacts) -> None:
    """A new function, inherited or not, has no gate until somebody says whose it is."""
    for contract, gates in GATES.items():
        named = {name.partition("(")[0] for name in gates} | {
            name for names in FUNCTION_ROLES.get(contract, {}).values() for name in names
        }
        assert {entry["name"] for entry in changing(artefacts, contract)} == named


@pytest.mark.parametrize("contract", GATES)
def test_access__every_selector_and_caller__is_refused_or_passes_as_told(
    stage: Stage, artefacts: Artefacts, contract: str
) -> None:
    wrong = []
    with stage.scenario() as scenario:
        provide(scenario, ALICE, 2 * TOKEN)
        scenario.must(ALICE, "OrderBook", "place", *RESTING)
        scenario.must(ALICE, "LiquidityVault", "requestDeposit", TOKEN, ALICE, ALICE)
        scenario.must(ALICE, "LiquidityVault", "requestRedeem", WAD, ALICE, ALICE)
        for entry in changing(artefacts, contract):
            gate = _gate(contract, signature(entry))
            args = arguments(scenario, contract, entry)
            for caller in CALLERS:
                stage.chain.snapshot()
                outcome = stage.chain.call(caller, contract, signature(entry), args)
                stage.chain.restore()
                # What nobody may do fails, be it before the caller is looked at.
                refused = outcome.error is not None and (gate == NOBODY or outcome.error.name in REFUSALS)
                if refused == _may(gate, caller):
                    wrong.append((entry["name"], gate, caller, outcome.error))
    assert not wrong


# ---- governance (I37)

_GOVERNING = [
    pytest.param(aim, id=aim.move.__name__)
    for action in ("govern", "pause", "oracle")
    for aim in AIMS[action]
    if not aim.target
]


@pytest.mark.parametrize("aim", _GOVERNING)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_governance__any_change__moves_no_balance_of_a_user(scenario: Scenario, aim: Aim, seed: int) -> None:
    for account, market, size in ((ALICES, 0, 10 * WAD), (TRADING_ACCOUNTS[2], 1, -100 * WAD)):
        assert scenario.trade(account, market, size).ok

    def held() -> tuple[Any, ...]:
        house = scenario.pair.model.clearinghouse
        balances = [scenario.balance(account) for account in ACCOUNTS]
        shares = {key: position.shares for key, position in house.stored_positions().items()}
        return balances, shares, [scenario.tokens(owner) for owner in (ALICE, BOB, KIM, TREASURY)]

    before = held()
    assert aim.move(scenario, SeededChoices(seed)).ok
    assert held() == before


# ---- a pause (I38)


def _paused(scenario: Scenario) -> None:
    for account, size in ((ALICES, 30 * WAD), (TRADING_ACCOUNTS[2], -10 * WAD)):
        assert scenario.trade(account, 0, size).ok
    order = scenario.order(ALICES, 0, -WAD, slot=9)
    assert scenario.commit(order).ok
    scenario.must(GUARDIAN, "Clearinghouse", "pauseRisk")


def test_pause__what_raises_no_risk__goes_on(scenario: Scenario) -> None:
    _paused(scenario)
    s = scenario
    s.must(ALICE, "Clearinghouse", "deposit", ALICES, TOKEN)
    s.must(ALICE, "Clearinghouse", "withdraw", SECOND, TOKEN, ALICE)
    s.must(ALICE, "Clearinghouse", "transfer", SECOND, ALICES, WAD)
    s.must(ALICE, "Clearinghouse", "setLeverage", ALICES, SECOND, 15 * WAD)
    s.must(ALICE, "Clearinghouse", "setMarginMode", ALICES, 1)
    s.must(ALICE, "Clearinghouse", "setOperator", OSCAR, 7, s.now + 9)
    s.must(OSCAR, "Clearinghouse", "accrue", 0)
    s.must(BOB, "Clearinghouse", "fundInsurance", TOKEN)
    assert s.settle((ALICES, 0, 9, *s.orders[ALICES, 9][0][3:])).ok
    assert s.trade(ALICES, 0, -WAD).ok
    s.publish({0: s.price(0) * 93 // 100})
    s.must(KIM, "Clearinghouse", "liquidate", ALICES, KIMS)
    assert s.trade(TRADING_ACCOUNTS[2], 0, -s.size(TRADING_ACCOUNTS[2], 0)).ok
    s.compare()


def test_pause__what_raises_risk__is_refused(scenario: Scenario) -> None:
    _paused(scenario)
    for account, size in ((ALICES, WAD), (TRADING_ACCOUNTS[2], -WAD), (TRADING_ACCOUNTS[2], 30 * WAD), (SECOND, WAD)):
        error = scenario.trade(account, 0, size).error
        assert error is not None
        assert error.name == "RiskPaused"


def test_extension__called_by_itself__does_nothing_and_holds_nothing(stage: Stage, artefacts: Artefacts) -> None:
    """Every function that it has for the clearinghouse, by whoever may call that."""
    views = {"pure", "view"}
    shared = {signature(each) for each in artefacts["ClearinghouseCore"].abi if each["type"] == "function"}
    declared = [each for each in artefacts["ClearinghouseExt"].abi if each["type"] == "function"]
    own = [each for each in declared if each["stateMutability"] not in views and signature(each) not in shared]
    assert {each["name"] for each in own} >= {"fundPool", "defundPool", "deleverage", "setVault", "setRiskConfig"}
    with stage.scenario() as scenario:
        for entry in own:
            nothing = tuple(zero_of(part) for part in entry["inputs"])
            for caller in CALLERS:
                outcome = scenario.call(caller, "ClearinghouseExt", entry["name"], *nothing)
                assert outcome.error is not None
                assert outcome.error.name == "DelegateCallRequired"
        assert scenario.pair.get("LocalToken", "balanceOf", scenario.pair.addresses["ClearinghouseExt"]) == 0
