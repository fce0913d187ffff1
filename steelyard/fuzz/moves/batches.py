"""Several calls in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.fuzz.moves.parts import any_account
from steelyard.fuzz.moves.registry import aim
from steelyard.fuzz.scenario import OSCAR, TOKEN, owner_of

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.fuzz.choices import Choices
    from steelyard.fuzz.scenario import Scenario


def _packed(s: Scenario, *calls: tuple[str, tuple[object, ...]]) -> tuple[str, ...]:
    return tuple(s.pair.model.calldata("Clearinghouse", function, args) for function, args in calls)


@aim("batch")
def batch(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    owner = owner_of(account)
    calls = _packed(
        s,
        ("deposit", (account, c.amount(1, TOKEN * 1_000))),
        ("transfer", (account, account ^ 1, 1)),
        ("setOperator", (OSCAR, 7, s.now)),
    )
    s.freshen()
    return s.call(owner, "Clearinghouse", "multicall", calls[: c.integer(0, 3)])


@aim("batch", "AmountZero")
def batch_with_an_error(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    calls = _packed(s, ("setOperator", (OSCAR, 7, s.now)), ("deposit", (account, 0)))
    return s.call(owner_of(account), "Clearinghouse", "multicall", calls)


@aim("batch", "FailedCall")
def batch_of_nothing_known(s: Scenario, c: Choices) -> Outcome:
    account = any_account(c)
    calls = _packed(s, ("deposit", (account, 1)))
    odd = c.pick(("0x", "0x01020304", calls[0][:-2]))
    return s.call(owner_of(account), "Clearinghouse", "multicall", (*calls, odd))
