"""What is to be deployed: contracts in their order, and the settings that follow, each readable on the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address

from steelyard.parameters import HolderParameters
from steelyard.roles import FUNCTION_ROLES, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from steelyard.client import Receipt
    from steelyard.deployment.system import ApeChain
    from steelyard.parameters import MarketParameters, SystemParameters

__all__ = ["CONTRACTS", "Holders", "Setting", "Settings", "constructor_arguments", "selectors_of"]

CONTRACTS: tuple[tuple[str, str], ...] = (
    ("Authority", "Authority"),
    ("Token", "LocalToken"),
    ("Pyth", "LocalPyth"),
    ("PriceOracle", "PriceOracle"),
    ("Clearinghouse", "Clearinghouse"),
    ("OrderBook", "OrderBook"),
    ("Lens", "Lens"),
    ("LiquidityVault", "LiquidityVault"),
)
"""Role in the system and compiled name, in the order of deployment. Token and Pyth only where the chain has none."""

_TOKEN_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds which role in the end, and with which delay; the deployer where nobody is named."""

    admin: HolderParameters
    guardian: HolderParameters
    steward: HolderParameters
    treasury: str

    @classmethod
    def of(cls, parameters: SystemParameters, deployer: str) -> Holders:
        """Take the holders from parameters."""
        roles, own = parameters.network.roles, HolderParameters(deployer.lower())
        return cls(
            admin=roles.admin or own,
            guardian=roles.guardian or own,
            steward=roles.steward or own,
            treasury=parameters.network.treasury or deployer.lower(),
        )

    def of_role(self, role: Role) -> HolderParameters:
        """Return the holder of a role."""
        holder: HolderParameters = getattr(self, role.name.lower())
        return holder


def constructor_arguments(
    role: str, parameters: SystemParameters, addresses: Mapping[str, str], holders: Holders, deployer: str
) -> tuple[Any, ...]:
    """Return the arguments of a contract's constructor."""
    match role:
        case "Authority":
            return (deployer,)
        case "Token":
            return (_TOKEN_DECIMALS,)
        case "Pyth":
            return parameters.pyth.valid_time, parameters.pyth.update_fee
        case "PriceOracle":
            return addresses["Authority"], addresses["Pyth"]
        case "Clearinghouse":
            treasury = to_checksum_address(holders.treasury)
            return addresses["Authority"], addresses["Token"], addresses["PriceOracle"], treasury
        case "OrderBook":
            return addresses["Clearinghouse"], parameters.orders.min_delay, parameters.orders.window
        case "Lens":
            return (addresses["Clearinghouse"],)
        case "LiquidityVault":
            times = parameters.vault
            return addresses["Clearinghouse"], times.settle_delay, times.max_price_age, times.cancel_delay
    raise KeyError(role)


def selectors_of(chain: ApeChain) -> dict[tuple[str, Role], tuple[bytes, ...]]:
    """Return the selectors of the restricted functions, by contract and role."""
    return {
        (contract, role): tuple([chain.selector(contract, name) for name in names])
        for contract, roles in FUNCTION_ROLES.items()
        for role, names in roles.items()
    }


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that is true of a system that is set up.

    Attributes
    ----------
    name : str
        For the artefact and for people.
    read : callable
        What the chain says now.
    wanted : object
        What it shall say.
    send : callable
        The transaction that makes it so; returns once it is mined.
    by_steward : bool
        Whether it takes the steward's role, which the deployer then needs for a while.
    """

    name: str
    read: Callable[[], Any]
    wanted: Any
    send: Callable[[], Receipt]
    by_steward: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the chain says what it shall."""
        return bool(self.read() == self.wanted)


class Settings:
    """All settings of a system.

    Parameters
    ----------
    chain : ApeChain
        That it is on.
    parameters : SystemParameters
        That it is given.
    addresses : mapping of str to str
        Of its contracts, by role.
    holders : Holders
        Of its roles.
    """

    def __init__(
        self, chain: ApeChain, parameters: SystemParameters, addresses: Mapping[str, str], holders: Holders
    ) -> None:
        self._chain = chain
        self._parameters = parameters
        self._addresses = addresses
        self._holders = holders

    def in_order(self) -> list[Setting]:
        """Return what makes a system complete but for the roles of the deployer that others hold in the end."""
        return [
            *self._functions(),
            self._risk(),
            *self._markets(),
            *self._portfolios(),
            *self._insurance_caps(),
            *self._feeds(),
            *self._guards(),
            self._executor(),
            self._vault(),
            *self._holders_of_roles(),
        ]

    def hand_over(self) -> list[Setting]:
        """Return what the deployer gives up at the end, the right to grant roles last."""
        deployer = self._chain.deployer
        others = [
            role
            for role in (Role.STEWARD, Role.ADMIN)
            if self._holders.of_role(role).holder.lower() != deployer.lower()
        ]
        return [
            Setting(
                f"deployer without {role.name}",
                lambda role=role: self._member(role, deployer)[0],  # type: ignore[misc]
                False,
                lambda role=role: self._send("Authority", "renounceRole", int(role), deployer),  # type: ignore[misc]
            )
            for role in others
        ]

    def borrow_steward(self) -> Setting:
        """Return the setting that lets the deployer configure the system at once."""
        deployer = self._chain.deployer
        return Setting(
            "deployer as STEWARD",
            lambda: self._member(Role.STEWARD, deployer),
            (True, 0),
            lambda: self._send("Authority", "grantRole", int(Role.STEWARD), deployer, 0),
        )

    # ---- settings

    def _functions(self) -> list[Setting]:
        settings = []
        for (contract, role), selectors in selectors_of(self._chain).items():
            target = self._addresses[contract]
            settings.append(
                Setting(
                    f"{contract}: {role.name} calls {', '.join(FUNCTION_ROLES[contract][role])}",
                    lambda target=target, selectors=selectors: [  # type: ignore[misc]
                        self._read("Authority", "getTargetFunctionRole", target, selector) for selector in selectors
                    ],
                    [int(role)] * len(selectors),
                    lambda target=target, selectors=selectors, role=role: self._send(  # type: ignore[misc]
                        "Authority", "setTargetFunctionRole", target, selectors, int(role)
                    ),
                )
            )
        return settings

    def _risk(self) -> Setting:
        risk = self._parameters.risk
        return Setting(
            "risk parameters",
            lambda: tuple(self._read("Clearinghouse", "riskConfig")),
            risk.config(),
            lambda: self._send("Clearinghouse", "setRiskConfig", risk.config()),
            by_steward=True,
        )

    def _markets(self) -> list[Setting]:
        settings = []
        for number, market in enumerate(self._parameters.markets):

            def read(number: int = number) -> Any:
                if self._read("Clearinghouse", "marketCount") <= number:
                    return None
                state = self._read("Clearinghouse", "marketOf", number)
                return tuple(state.config), state.funding.maxRate

            def send(number: int = number, market: MarketParameters = market) -> Any:
                listed = self._read("Clearinghouse", "marketCount")
                if listed != number:
                    raise RuntimeError(f"{listed} markets are listed, {number} were expected")
                return self._send("Clearinghouse", "listMarket", market.config(), market.max_funding_rate)

            wanted = market.config(), market.max_funding_rate
            settings.append(Setting(f"market {number}: {market.symbol}", read, wanted, send, by_steward=True))
        return settings

    def _portfolios(self) -> list[Setting]:
        settings = []
        for number, market in enumerate(self._parameters.markets):

            def read(number: int = number) -> Any:
                held = self._read("Clearinghouse", "portfolioOf", number)
                return held.hedgeable, tuple(held.loadings), tuple(held.shocks)

            settings.append(
                Setting(
                    f"netting of {market.symbol}",
                    read,
                    market.portfolio.config(),
                    lambda number=number, market=market: self._send(  # type: ignore[misc]
                        "Clearinghouse", "setPortfolio", number, market.portfolio.config()
                    ),
                    by_steward=True,
                )
            )
        return settings

    def _insurance_caps(self) -> list[Setting]:
        return [
            Setting(
                f"insurance of {market.symbol}",
                lambda number=number: self._read("Clearinghouse", "insuranceOf", number).cap,  # type: ignore[misc]
                market.insurance_cap,
                lambda number=number, market=market: self._send(  # type: ignore[misc]
                    "Clearinghouse", "setInsuranceCap", number, market.insurance_cap
                ),
                by_steward=True,
            )
            for number, market in enumerate(self._parameters.markets)
        ]

    def _feeds(self) -> list[Setting]:
        settings = []
        for number, market in enumerate(self._parameters.markets):
            feed = market.oracle

            def read(number: int = number) -> Any:
                state = self._read("PriceOracle", "priceState", number)
                return self._read("PriceOracle", "feedOf", number), state.maxAge, state.maxConfidence

            settings.append(
                Setting(
                    f"feed of {market.symbol}",
                    read,
                    (feed.feed, feed.max_age, feed.max_confidence),
                    lambda number=number, feed=feed: self._send(  # type: ignore[misc]
                        "PriceOracle", "setFeed", number, feed.feed, feed.max_age, feed.max_confidence
                    ),
                    by_steward=True,
                )
            )
        return settings

    def _guards(self) -> list[Setting]:
        settings = []
        sequencer = self._parameters.network.sequencer
        if sequencer is not None:
            settings.append(
                Setting(
                    "sequencer",
                    lambda: self._read("PriceOracle", "sequencer"),
                    (sequencer.feed, sequencer.grace_period),
                    lambda: self._send(
                        "PriceOracle", "setSequencer", to_checksum_address(sequencer.feed), sequencer.grace_period
                    ),
                    by_steward=True,
                )
            )
        for number, market in enumerate(self._parameters.markets):
            guard = market.oracle.guard
            if guard is None:
                continue
            settings.append(
                Setting(
                    f"guard of {market.symbol}",
                    lambda number=number: self._read("PriceOracle", "guardOf", number)[:3],  # type: ignore[misc]
                    (guard.aggregator, guard.max_age, guard.max_deviation),
                    lambda number=number, guard=guard: self._send(  # type: ignore[misc]
                        "PriceOracle",
                        "setGuard",
                        number,
                        to_checksum_address(guard.aggregator),
                        guard.max_age,
                        guard.max_deviation,
                    ),
                    by_steward=True,
                )
            )
        return settings

    def _executor(self) -> Setting:
        book = self._addresses["OrderBook"]
        return Setting(
            "order book trades",
            lambda: self._read("Clearinghouse", "isExecutor", book),
            True,
            lambda: self._send("Clearinghouse", "setExecutor", book, True),
        )

    def _vault(self) -> Setting:
        vault = self._addresses["LiquidityVault"]
        return Setting(
            "vault takes from the pool",
            lambda: self._read("Clearinghouse", "vault"),
            vault.lower(),
            lambda: self._send("Clearinghouse", "setVault", vault),
        )

    def _holders_of_roles(self) -> list[Setting]:
        settings = []
        # ADMIN last: its holder may get a delay that the other grants would have to wait for.
        for role in (Role.GUARDIAN, Role.STEWARD, Role.ADMIN):
            by = self._holders.of_role(role)
            holder = to_checksum_address(by.holder)
            settings.append(
                Setting(
                    f"{role.name} is {holder}",
                    lambda role=role, holder=holder: self._member(role, holder),  # type: ignore[misc]
                    (True, by.delay),
                    lambda role=role, holder=holder, by=by: self._send(  # type: ignore[misc]
                        "Authority", "grantRole", int(role), holder, by.delay
                    ),
                )
            )
        return settings

    def _member(self, role: Role, address: str) -> tuple[bool, int]:
        member = self._read("Authority", "hasRole", int(role), address)
        return bool(member[0]), int(member[1])

    def _read(self, contract: str, function: str, *arguments: Any) -> Any:
        return self._chain.read(contract, self._addresses[contract], function, *arguments)

    def _send(self, contract: str, function: str, *arguments: Any) -> Receipt:
        return self._chain.send(contract, self._addresses[contract], function, *arguments)
