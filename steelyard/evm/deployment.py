"""The whole system on a chain: contracts, roles, feeds, markets, parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steelyard.evm.chain import Chain, ChainError
from steelyard.roles import FUNCTION_ROLES, Role

if TYPE_CHECKING:
    from steelyard.parameters import SystemParameters

__all__ = ["ADMIN", "GUARDIAN", "LIQUIDITY", "STEWARD", "TREASURY", "Governors", "SetupFailed", "deploy_system"]

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
    guardian, liquidity, steward : str
        Holders of GUARDIAN, LIQUIDITY and STEWARD.
    treasury : str
        Owner of the account that collects the insurance fund's surplus.
    """

    admin: str = ADMIN
    guardian: str = GUARDIAN
    liquidity: str = LIQUIDITY
    steward: str = STEWARD
    treasury: str = TREASURY


def deploy_system(chain: Chain, parameters: SystemParameters, governors: Governors | None = None) -> dict[str, str]:
    """Deploy and configure everything; return the lower-case address of each contract by its name.

    All contracts come first, so that their addresses depend on the admin's address only. Nobody has funds afterwards.

    Raises
    ------
    DeploymentFailed, SetupFailed
        A constructor or a call reverted, for instance because a parameter is out of the contracts' bounds.
    """
    by = governors or Governors()
    admin = by.admin

    def deploy(contract: str, *args: Any) -> str:
        return chain.deploy(contract, args, sender=admin)

    authority = deploy("Authority", admin)
    token = deploy("LocalToken", 6)
    pyth = deploy("LocalPyth", parameters.pyth.valid_time, parameters.pyth.update_fee)
    oracle = deploy("PriceOracle", authority, pyth)
    clearinghouse = deploy("Clearinghouse", authority, token, oracle, by.treasury)
    order_book = deploy("OrderBook", clearinghouse, parameters.orders.min_delay, parameters.orders.window)
    deploy("Lens", clearinghouse)

    for contract, roles in FUNCTION_ROLES.items():
        for role, names in roles.items():
            selectors = tuple(chain.abi.function(contract, name).selector for name in names)
            _must(chain, admin, "Authority", "setTargetFunctionRole", chain.address(contract), selectors, int(role))
    for role, holder in (
        (Role.GUARDIAN, by.guardian),
        (Role.LIQUIDITY, by.liquidity),
        (Role.STEWARD, by.steward),
    ):
        _must(chain, admin, "Authority", "grantRole", int(role), holder, 0)
    _must(chain, admin, "Clearinghouse", "setExecutor", order_book, True)

    risk = parameters.risk
    _must(chain, by.steward, "Clearinghouse", "setRiskConfig", risk.config(), risk.pool_fee_share)
    for number, market in enumerate(parameters.markets):
        feed = market.oracle
        _must(chain, by.steward, "PriceOracle", "setFeed", number, feed.feed, feed.max_age, feed.max_confidence)
        _must(chain, by.steward, "Clearinghouse", "listMarket", market.config(), market.max_funding_rate)
    return dict(chain.addresses)


def _must(chain: Chain, sender: str, contract: str, function: str, *args: Any) -> None:
    outcome = chain.call(sender, contract, function, args)
    if not outcome.ok:
        raise SetupFailed(f"{contract}.{function}{args}: {outcome.error}")
