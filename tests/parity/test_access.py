"""Every function against every kind of caller, generated from the ABI (I36); what governance cannot move (I37); what a
pause does not stop (I38)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steelyard.evm.abi import signature
from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD, TREASURY
from steelyard.evm.machine import Machine
from steelyard.fuzz.choices import SeededChoices
from steelyard.fuzz.moves import AIMS, Aim
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
from tests.parity.entry_points import arguments, changing, payment, set_occasions, zero_of
from tests.parity.other_code import code_at, relaying

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.evm.artefacts import Artefacts
    from steelyard.fuzz.stage import Stage

pytestmark = pytest.mark.evm

ALICES, SECOND = TRADING_ACCOUNTS[:2]
HOLDERS = {Role.ADMIN: ADMIN, Role.GUARDIAN: GUARDIAN, Role.STEWARD: STEWARD}
PEOPLE = (ADMIN, GUARDIAN, LIQUIDITY, STEWARD, TREASURY, KIM, OSCAR, ALICE, BOB)
"""Every role, the treasury's owner, an executor, a stranger, the owner of the account in question, another owner."""
ANYONE = "anyone"
NOBODY = "nobody"
TRADE = "owner, or operator who may trade"
MARGIN = "owner, or operator who may move margin"
WITHDRAW = "owner, or operator who may withdraw"
CLAIM = "owner, or operator in the vault"
EXECUTOR = "executor"
VAULT = "vault"
FLAGS = {TRADE: 1, MARGIN: 2, WITHDRAW: 4}
"""The one permission that lets an operator pass a gate."""
OPERATORS = {gate: f"0x{0x0BE5A7 + place:040x}" for place, gate in enumerate((*FLAGS, CLAIM))}
"""Of Alice's, each with a single permission."""
CONTRACTS = ("LiquidityVault", "OrderBook")
CALLERS = (*PEOPLE, *OPERATORS.values(), *CONTRACTS)

GATES: dict[str, dict[str, str]] = {
    "Clearinghouse": {
        **dict.fromkeys(("accrue", "collectTreasury", "deleverage", "deposit", "fundInsurance", "fundPool"), ANYONE),
        **dict.fromkeys(("closeRemnant", "liquidate", "multicall", "setOperator"), ANYONE),
        **dict.fromkeys(("permitOperator", "cancelNonces"), ANYONE),
        **dict.fromkeys(("movePosition", "setLeverage", "setMarginMode", "transfer"), MARGIN),
        "withdraw": WITHDRAW,
        "defundPool": VAULT,
        "trade": EXECUTOR,
        "setAuthority": NOBODY,
    },
    "OrderBook": {
        **dict.fromkeys(("cancel", "cancelPlaced", "commit", "place"), TRADE),
        **dict.fromkeys(("settle", "trigger", "trail", "execute", "provePrice"), ANYONE),
        **dict.fromkeys(("updatePrices", "batch", "cancelNonces"), ANYONE),
        **dict.fromkeys(("commitSigned", "placeSigned"), ANYONE),
    },
    "PriceOracle": {"parseFirst": ANYONE, "update": ANYONE, "setAuthority": NOBODY},
    "Lens": {},
    "LiquidityVault": {
        **dict.fromkeys(("approve", "transfer", "transferFrom", "fulfil", "setOperator"), ANYONE),
        **dict.fromkeys(("requestDeposit", "requestRedeem", "cancelDeposit", "cancelRedeem"), CLAIM),
        **dict.fromkeys(("deposit", "mint", "withdraw", "redeem"), CLAIM),
        **dict.fromkeys(("deposit(uint256,address)", "mint(uint256,address)"), ANYONE),
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
STOPPED = {
    "Clearinghouse": {
        "closeRemnant(uint256,uint8)": "PositionWhole",
        "deleverage()": "AccountHealthy",
        "setVault(address)": "VaultAlreadySet",
    },
    "LiquidityVault": {"deposit(uint256,address)": "AmountZero", "mint(uint256,address)": "AmountZero"},
    "Authority": {"renounceRole(uint64,address)": "AccessManagerBadConfirmation"},
}
"""Functions, and what stops everybody who may call them, since the case that they are for is not at hand: a position
that deleveraging left the dust of, a pool under its maintenance margin, a vault that is not set, a claim of one's own,
the caller's own address. Every other function succeeds for everybody who may call it."""
REFUSALS = {
    "AccessManagedUnauthorized",
    "AccessManagerUnauthorizedAccount",
    "AccessManagerUnauthorizedCall",
    "AccessManagerUnauthorizedCancel",
    "AccessManagerUnauthorizedConsume",
    "AccessManagerNotScheduled",
    "AccountUnauthorized",
    "CallerUnauthorized",
    "ERC20InsufficientAllowance",
    "ExecutorUnauthorized",
    "VaultUnauthorized",
}


def _gate(contract: str, name: str) -> str:
    for role, names in FUNCTION_ROLES.get(contract, {}).items():
        if name.partition("(")[0] in names:
            return role.name
    return GATES[contract].get(name) or GATES[contract][name.partition("(")[0]]


def _may(gate: str, caller: str) -> bool:
    if gate == ANYONE:
        return True
    passing: dict[str, tuple[str, ...]] = {
        NOBODY: (),
        EXECUTOR: (KIM, "OrderBook"),
        VAULT: ("LiquidityVault",),
        **{by: (ALICE, operator) for by, operator in OPERATORS.items()},
        **{role.name: (holder,) for role, holder in HOLDERS.items()},
    }
    return caller in passing[gate]


def _call(
    machine: Machine, caller: str, contract: str, function: str, args: tuple[Any, ...], value: int = 0
) -> Outcome:
    """Call as anybody, or as one of the contracts, in the place of which code stands that makes the call."""
    if caller not in CONTRACTS:
        return machine.call(caller, contract, function, args, value)
    data = machine.abi.function(contract, function).pack(args)
    with code_at(machine, machine.address(caller), relaying(machine.address(contract), data)):
        return machine.decoded(contract, function, machine.call_raw(OSCAR, caller, b"", value))


def _set_callers(s: Scenario, machine: Machine) -> None:
    """Let Alice have operators, all callers tokens, and those who have none currency, which contracts are passed."""
    s.must(ALICE, "LiquidityVault", "setOperator", OPERATORS[CLAIM], True)
    for gate, flag in FLAGS.items():
        s.must(ALICE, "Clearinghouse", "setOperator", OPERATORS[gate], flag, 2**40 - 1)
    s.pair.catch_up()
    for caller in CALLERS:
        address = machine.address(caller) if caller in CONTRACTS else caller
        if caller in OPERATORS.values():
            machine.set_balance(address, WAD)
        assert machine.call(OSCAR, "LocalToken", "mint", (address, 10 * TOKEN)).ok
        approval = machine.address("Clearinghouse"), 10 * TOKEN
        assert _call(machine, caller, "LocalToken", "approve(address,uint256)", approval).ok


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
    """Who is refused is refused as such, and all others pass: altogether, but for the functions that are named."""
    machine = stage.chain
    assert isinstance(machine, Machine)
    wrong, stopped, passed = [], set(), set()
    with stage.scenario() as scenario:
        set_occasions(scenario)
        _set_callers(scenario, machine)
        for entry in changing(artefacts, contract):
            function = signature(entry)
            gate = _gate(contract, function)
            args, value = arguments(scenario, contract, entry), payment(scenario, entry)
            # Other code stands in the place of a contract that calls, so that it cannot be called.
            for caller in [each for each in CALLERS if each != contract]:
                machine.snapshot()
                outcome = _call(machine, caller, contract, function, args, value)
                machine.restore()
                may = _may(gate, caller)
                # What nobody may do fails, be it before the caller is looked at.
                refused = outcome.error is not None and (gate == NOBODY or outcome.error.name in REFUSALS)
                if refused == may:
                    wrong.append((function, gate, caller, outcome.error))
                if may and outcome.error is not None:
                    stopped.add((function, outcome.error.name))
                if may and outcome.ok:
                    passed.add(function)
    assert not wrong
    assert stopped == set(STOPPED.get(contract, {}).items())
    assert not passed & set(STOPPED.get(contract, {}))


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
            for caller in PEOPLE:
                outcome = scenario.call(caller, "ClearinghouseExt", entry["name"], *nothing)
                assert outcome.error is not None
                assert outcome.error.name == "DelegateCallRequired"
        assert scenario.pair.get("LocalToken", "balanceOf", scenario.pair.addresses["ClearinghouseExt"]) == 0
