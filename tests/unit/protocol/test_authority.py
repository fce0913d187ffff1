from __future__ import annotations

import pytest

from sim.protocol import ErrorValue, Event, Settings, World
from sim.protocol.authority import ADMIN_ROLE, PUBLIC_ROLE
from sim.protocol.errors import AccessManagerInvalidInitialAdmin
from sim.protocol.evm import ZERO_ADDRESS
from sim.protocol.world import ADMIN
from tests.unit.protocol.exchange import ALICE, BOB, Exchange

GUARDIAN = 1


def guarded() -> tuple[Exchange, str, str]:
    """Return an exchange whose pause belongs to Alice's role, its target and selector."""
    exchange = Exchange()
    house = exchange.world.clearinghouse
    selector = house.entries_by_name["pauseRisk"].selector
    exchange.must(ADMIN, "Authority", "setTargetFunctionRole", house.address, (selector,), GUARDIAN)
    exchange.must(ADMIN, "Authority", "grantRole", GUARDIAN, ALICE, 0)
    return exchange, house.address, selector


def test_role__granted_and_revoked__opens_and_closes_its_functions_only() -> None:
    exchange, _, _ = guarded()
    exchange.must(ALICE, "Clearinghouse", "pauseRisk")
    unauthorized = ErrorValue("AccessManagedUnauthorized", (ALICE,))
    assert exchange.error(ALICE, "Clearinghouse", "unpauseRisk") == unauthorized
    # The admin is no member of the guardian's role.
    assert exchange.error(ADMIN, "Clearinghouse", "pauseRisk") == ErrorValue("AccessManagedUnauthorized", (ADMIN,))
    exchange.must(ADMIN, "Authority", "revokeRole", GUARDIAN, ALICE)
    assert exchange.error(ALICE, "Clearinghouse", "pauseRisk") == unauthorized


def test_target_closed__anyone__is_refused() -> None:
    exchange, target, _ = guarded()
    exchange.must(ADMIN, "Authority", "setTargetClosed", target, True)
    assert exchange.error(ALICE, "Clearinghouse", "pauseRisk").name == "AccessManagedUnauthorized"
    exchange.must(ADMIN, "Authority", "setTargetClosed", target, False)
    exchange.must(ALICE, "Clearinghouse", "pauseRisk")


def test_grant_role__member_already__changes_its_delay_only() -> None:
    exchange, target, selector = guarded()
    now = exchange.world.timestamp
    outcome = exchange.must(ADMIN, "Authority", "grantRole", GUARDIAN, ALICE, 60)
    assert outcome.events == (Event("Authority", "RoleGranted", (GUARDIAN, ALICE, 60, now, False)),)
    assert exchange.world.read("Authority", "canCall", ALICE, target, selector) == (False, 60)
    assert exchange.error(ALICE, "Clearinghouse", "pauseRisk").name == "AccessManagerNotScheduled"


def test_renounce_role__another_address__is_refused() -> None:
    exchange, _, _ = guarded()
    error = exchange.error(ALICE, "Authority", "renounceRole", GUARDIAN, BOB)
    assert error == ErrorValue("AccessManagerBadConfirmation")
    exchange.must(ALICE, "Authority", "renounceRole", GUARDIAN, ALICE)
    assert exchange.world.read("Authority", "hasRole", GUARDIAN, ALICE) == (False, 0)


@pytest.mark.parametrize(
    ("sender", "function", "args", "expected"),
    [
        (BOB, "grantRole", (GUARDIAN, BOB, 0), ErrorValue("AccessManagerUnauthorizedAccount", (BOB, ADMIN_ROLE))),
        (BOB, "setTargetClosed", (BOB, True), ErrorValue("AccessManagerUnauthorizedAccount", (BOB, ADMIN_ROLE))),
        (ADMIN, "grantRole", (PUBLIC_ROLE, BOB, 0), ErrorValue("AccessManagerLockedRole", (PUBLIC_ROLE,))),
        (ADMIN, "setRoleAdmin", (ADMIN_ROLE, 5), ErrorValue("AccessManagerLockedRole", (ADMIN_ROLE,))),
        (
            ADMIN,
            "setTargetFunctionRole",
            (BOB, ("0x7a9e5e4b",), 5),
            ErrorValue("AccessManagerLockedFunction", ("0x7a9e5e4b",)),
        ),
    ],
)
def test_authority__refused__names_the_error(
    sender: str, function: str, args: tuple[object, ...], expected: ErrorValue
) -> None:
    assert Exchange().error(sender, "Authority", function, *args) == expected


def test_grant_delay__new_members__wait() -> None:
    exchange, _, _ = guarded()
    exchange.must(ADMIN, "Authority", "setGrantDelay", GUARDIAN, 100)
    exchange.world.advance(5 * 86_400)
    exchange.must(ADMIN, "Authority", "grantRole", GUARDIAN, BOB, 0)
    exchange.world.advance(99)
    assert exchange.error(BOB, "Clearinghouse", "pauseRisk").name == "AccessManagedUnauthorized"
    exchange.world.advance(1)
    exchange.must(BOB, "Clearinghouse", "pauseRisk")


def test_world__admin_of_nobody__is_refused() -> None:
    with pytest.raises(AccessManagerInvalidInitialAdmin):
        World(Settings(admin=ZERO_ADDRESS))
