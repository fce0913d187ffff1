"""The whole system on a chain: contracts, roles, feeds, markets, parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steelyard.evm.chain import Chain, ChainError
from steelyard.roles import FUNCTION_ROLES, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from steelyard.evm.abi import AbiIndex
    from steelyard.parameters import SystemParameters

__all__ = [
    "ADMIN",
    "GUARDIAN",
    "LIQUIDITY",
    "STEWARD",
    "TREASURY",
    "Governors",
    "SetupFailed",
    "deploy_system",
    "setup_calls",
]

# The first of the addresses that belong to the mnemonic of test chains, so that a node can sign for them.
ADMIN = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
GUARDIAN = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
LIQUIDITY = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
STEWARD = "0x90f79bf6eb2c4f870365e785982e1f101e93b906"
TREASURY = "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65"


class SetupFailed(ChainError):
    """A call of the deployment reverted."""


@dataclass(frozen=True, slots=True)
class Governors:
    """Addresses that hold the roles.

    Attributes
    ----------
    admin : str
        Deploys, grants roles and keeps ADMIN.
    guardian, steward : str
        Holders of GUARDIAN and STEWARD.
    liquidity : str
        First provider of liquidity.
    treasury : str
        Owner of the account that collects the insurance fund's surplus.
    vault : str
        Who takes money out of the pool; the vault's own contract where empty.
    """

    admin: str = ADMIN
    guardian: str = GUARDIAN
    liquidity: str = LIQUIDITY
    steward: str = STEWARD
    treasury: str = TREASURY
    vault: str = ""


def deploy_system(
    chain: Chain, parameters: SystemParameters, governors: Governors | None = None, *, token: str = "LocalToken"
) -> dict[str, str]:
    """Deploy and configure everything; return the lower-case address of each contract by its name.

    All contracts come first, so that their addresses depend on the admin's address only. Nobody has funds afterwards.
    The settlement token goes by the name of `LocalToken`, whichever contract it is.

    Raises
    ------
    DeploymentFailed, SetupFailed
        A constructor or a call reverted, for instance because a parameter is out of the contracts' bounds.
    """
    by = governors or Governors()

    def deploy(contract: str, *args: Any) -> str:
        return chain.deploy(contract, args, sender=by.admin)

    authority = deploy("Authority", by.admin)
    money = chain.deploy(token, (6,), sender=by.admin, name="LocalToken")
    pyth = deploy("LocalPyth", parameters.pyth.valid_time, parameters.pyth.update_fee)
    oracle = deploy("PriceOracle", authority, pyth)
    clearinghouse = deploy("Clearinghouse", authority, money, oracle, by.treasury)
    deploy("OrderBook", clearinghouse, parameters.orders.min_delay, parameters.orders.window)
    deploy("Lens", clearinghouse)
    times = parameters.vault
    deploy("LiquidityVault", clearinghouse, times.settle_delay, times.max_price_age, times.cancel_delay)
    for sender, contract, function, args in setup_calls(chain.abi, chain.addresses, parameters, by):
        outcome = chain.call(sender, contract, function, args)
        if not outcome.ok:
            raise SetupFailed(f"{contract}.{function}{args}: {outcome.error}")
    return dict(chain.addresses)


def setup_calls(
    abi: AbiIndex, addresses: Mapping[str, str], parameters: SystemParameters, governors: Governors
) -> Iterator[tuple[str, str, str, tuple[Any, ...]]]:
    """Yield the calls that configure the contracts at `addresses`: sender, contract, function, arguments."""
    admin, steward = governors.admin, governors.steward
    for contract, roles in FUNCTION_ROLES.items():
        for role, names in roles.items():
            selectors = tuple("0x" + abi.function(contract, name).selector.hex() for name in names)
            yield admin, "Authority", "setTargetFunctionRole", (addresses[contract], selectors, int(role))
    holders = {
        Role.GUARDIAN: governors.guardian,
        Role.STEWARD: governors.steward,
    }
    for role, holder in holders.items():
        yield admin, "Authority", "grantRole", (int(role), holder, 0)
    yield admin, "Clearinghouse", "setExecutor", (addresses["OrderBook"], True)
    yield admin, "Clearinghouse", "setVault", (governors.vault or addresses["LiquidityVault"],)
    yield steward, "Clearinghouse", "setRiskConfig", (parameters.risk.config(),)
    sequencer = parameters.network.sequencer
    if sequencer is not None:
        yield steward, "PriceOracle", "setSequencer", (sequencer.feed, sequencer.grace_period)
    for number, market in enumerate(parameters.markets):
        feed = market.oracle
        yield steward, "PriceOracle", "setFeed", (number, feed.feed, feed.max_age, feed.max_confidence)
        if feed.guard is not None:
            guard = feed.guard
            call = number, guard.aggregator, guard.max_age, guard.max_deviation
            yield steward, "PriceOracle", "setGuard", call
        yield steward, "Clearinghouse", "listMarket", (market.config(), market.max_funding_rate)
        yield steward, "Clearinghouse", "setPortfolio", (number, market.portfolio.config())
        yield steward, "Clearinghouse", "setInsuranceCap", (number, market.insurance_cap)
