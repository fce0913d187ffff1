"""What every fill touches, and the parameters of liquidations (``Ledger.sol``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["CENT", "RISK_CONFIG", "InsuranceDraw", "Ledger", "RiskConfig"]

CENT: Final = 10**16
"""Wad per hundredth of quote."""

RISK_CONFIG: Final = "(uint16,uint16,uint32,uint16,uint16,uint16,uint64,uint16)"
"""ABI type of `RiskConfig`."""


@dataclass(slots=True)
class Ledger:
    """Pool, insurance fund and the pause.

    Parameters
    ----------
    pool_balance : int
        Quote of the liquidity pool [wad], signed.
    insurance_balance : int
        Quote of the insurance fund [wad].
    pool_fee_share : int
        Part of each fee that the pool gets [1e-4]; the rest feeds the insurance fund.
    min_reward : int
        Least reward of a liquidator, and floor of maintenance margin [1e-2 quote].
    min_initial_margin : int
        Floor of initial margin [1e-2 quote].
    risk_paused : bool
        The guardian has stopped all that raises risk.
    """

    pool_balance: int = 0
    insurance_balance: int = 0
    pool_fee_share: int = 0
    min_reward: int = 0
    min_initial_margin: int = 0
    risk_paused: bool = False

    def copy(self) -> Ledger:
        """Return a copy, as a load into memory."""
        return Ledger(
            self.pool_balance,
            self.insurance_balance,
            self.pool_fee_share,
            self.min_reward,
            self.min_initial_margin,
            self.risk_paused,
        )

    def as_tuple(self) -> tuple[int, ...]:
        """Return the ABI form."""
        return (
            self.pool_balance,
            self.insurance_balance,
            self.pool_fee_share,
            self.min_reward,
            self.min_initial_margin,
            self.risk_paused,
        )


class RiskConfig(NamedTuple):
    """Parameters of liquidations and floors.

    Parameters
    ----------
    min_reward : int
        Least reward of a liquidator, and floor of maintenance margin [1e-2 quote].
    min_initial_margin : int
        Floor of initial margin [1e-2 quote].
    max_reward : int
        Largest reward of a liquidator [1e-2 quote].
    reward_ratio : int
        Reward [1e-6 of the notional closed].
    penalty_ratio : int
        Penalty [1e-6 of the notional closed].
    target_health : int
        Equity over maintenance margin after a partial liquidation [1e-4].
    treasury_threshold : int
        Insurance balance above which the treasury collects the surplus [quote].
    pool_fee_share : int
        Part of each fee that the pool gets [1e-4].
    """

    min_reward: int = 0
    min_initial_margin: int = 0
    max_reward: int = 0
    reward_ratio: int = 0
    penalty_ratio: int = 0
    target_health: int = 0
    treasury_threshold: int = 0
    pool_fee_share: int = 0


class InsuranceDraw(NamedTuple):
    """What bad debt in one market may take from the insurance fund.

    Parameters
    ----------
    cap : int
        Per day [quote].
    day : int
        Of the last draw, since 1970, UTC.
    drawn : int
        On that day [quote wad].
    """

    cap: int = 0
    day: int = 0
    drawn: int = 0
