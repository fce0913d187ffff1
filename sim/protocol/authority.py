"""Roles of the whole protocol (``Authority.sol``, OpenZeppelin ``AccessManager.sol`` and ``AccessManaged.sol``).

Delays are kept and shown, and a member with one is refused like on the chain, but operations are not scheduled here:
the model has `schedule`, `execute`, `cancel` and `updateAuthority` on no contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.protocol import abi
from sim.protocol.errors import (
    AccessManagedInvalidAuthority,
    AccessManagedUnauthorized,
    AccessManagerBadConfirmation,
    AccessManagerInvalidInitialAdmin,
    AccessManagerLockedFunction,
    AccessManagerLockedRole,
    AccessManagerNotScheduled,
    AccessManagerUnauthorizedAccount,
)
from sim.protocol.evm import ZERO_ADDRESS, Address, Contract, external, view
from sim.protocol.keccak import keccak256

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["ADMIN_ROLE", "PUBLIC_ROLE", "AccessManaged", "Authority", "Delay"]

ADMIN_ROLE: Final = 0
PUBLIC_ROLE: Final = 2**64 - 1

_MIN_SETBACK_SECONDS: Final = 5 * 86_400
_SET_AUTHORITY: Final = "setAuthority(address)"
_OPERATION: Final = abi.parse_tuple("(address,address,bytes)")


class Delay(NamedTuple):
    """A delay that changes at a time (OpenZeppelin ``Time.sol::Delay``) [seconds]."""

    before: int = 0
    after: int = 0
    effect: int = 0

    def full(self, now: int) -> tuple[int, int, int]:
        """Return the current value, the pending one and when it takes effect, 0 if none is pending."""
        return (self.after, 0, 0) if self.effect <= now else self

    def get(self, now: int) -> int:
        """Return the current value."""
        return self.full(now)[0]

    def with_update(self, value: int, min_setback: int, now: int) -> Delay:
        """Return the delay after a change to `value`, which a decrease puts off by the difference."""
        current = self.get(now)
        return Delay(current, value, now + max(min_setback, current - value, 0))


class _Access(NamedTuple):
    since: int = 0
    delay: Delay = Delay()


class Authority(Contract):
    """Roles and their members.

    Parameters
    ----------
    world, name, address
        As for `Contract`.
    initial_admin : Address
        Holder of the admin role.

    Raises
    ------
    AccessManagerInvalidInitialAdmin
        The zero address.
    """

    def __init__(self, world: World, name: str, address: Address, *, initial_admin: Address) -> None:
        super().__init__(world, name, address)
        if initial_admin == ZERO_ADDRESS:
            raise AccessManagerInvalidInitialAdmin(ZERO_ADDRESS)
        self._members: dict[tuple[int, Address], _Access] = {}
        self._admins: dict[int, int] = {}
        self._guardians: dict[int, int] = {}
        self._grant_delays: dict[int, Delay] = {}
        self._function_roles: dict[tuple[Address, str], int] = {}
        self._admin_delays: dict[Address, Delay] = {}
        self._closed: dict[Address, bool] = {}
        self._grant(ADMIN_ROLE, initial_admin, 0, 0)

    # ---- views

    @view("canCall(address,address,bytes4) -> (bool,uint32)")
    def can_call(self, caller: Address, target: Address, selector: str) -> tuple[bool, int]:
        """Return whether `caller` may call now, and else after which delay [seconds]."""
        if self.is_target_closed(target) or caller == self.address:
            return False, 0
        if selector == abi.selector(_SET_AUTHORITY):
            is_admin, execution_delay = self.has_role(ADMIN_ROLE, caller)
            delay = max(execution_delay, self.get_target_admin_delay(target))
            return (delay == 0, delay) if is_admin else (False, 0)
        is_member, delay = self.has_role(self.get_target_function_role(target, selector), caller)
        return (delay == 0, delay) if is_member else (False, 0)

    @view("hasRole(uint64,address) -> (bool,uint32)")
    def has_role(self, role: int, account: Address) -> tuple[bool, int]:
        """Return whether `account` is a member, and its execution delay [seconds]."""
        if role == PUBLIC_ROLE:
            return True, 0
        access = self._members.get((role, account), _Access())
        now = self.world.timestamp
        return 0 < access.since <= now, access.delay.get(now)

    @view("getAccess(uint64,address) -> (uint48,uint32,uint32,uint48)")
    def get_access(self, role: int, account: Address) -> tuple[int, int, int, int]:
        """Return since when `account` is a member, and its delay: current, pending, effect [seconds]."""
        access = self._members.get((role, account), _Access())
        return (access.since, *access.delay.full(self.world.timestamp))

    @view("isTargetClosed(address) -> (bool)")
    def is_target_closed(self, target: Address) -> bool:
        """Return whether nobody may call the target's restricted functions."""
        return self._closed.get(target, False)

    @view("getTargetFunctionRole(address,bytes4) -> (uint64)")
    def get_target_function_role(self, target: Address, selector: str) -> int:
        """Return the role of a function, the admin's by default."""
        return self._function_roles.get((target, selector), ADMIN_ROLE)

    @view("getTargetAdminDelay(address) -> (uint32)")
    def get_target_admin_delay(self, target: Address) -> int:
        """Return the delay of changes to a target [seconds]."""
        return self._admin_delays.get(target, Delay()).get(self.world.timestamp)

    @view("getRoleAdmin(uint64) -> (uint64)")
    def get_role_admin(self, role: int) -> int:
        """Return the role that grants and revokes `role`."""
        return self._admins.get(role, ADMIN_ROLE)

    @view("getRoleGuardian(uint64) -> (uint64)")
    def get_role_guardian(self, role: int) -> int:
        """Return the role that cancels operations of `role`."""
        return self._guardians.get(role, ADMIN_ROLE)

    @view("getRoleGrantDelay(uint64) -> (uint32)")
    def get_role_grant_delay(self, role: int) -> int:
        """Return the time until a grant takes effect [seconds]."""
        return self._grant_delays.get(role, Delay()).get(self.world.timestamp)

    @view("ADMIN_ROLE() -> (uint64)")
    def admin_role(self) -> int:
        """Return the role of admins."""
        return ADMIN_ROLE

    @view("PUBLIC_ROLE() -> (uint64)")
    def public_role(self) -> int:
        """Return the role of everybody."""
        return PUBLIC_ROLE

    @view("expiration() -> (uint32)")
    def expiration(self) -> int:
        """Return how long a scheduled operation may wait [seconds]."""
        return 7 * 86_400

    @view("minSetback() -> (uint32)")
    def min_setback(self) -> int:
        """Return the least time until a changed delay takes effect [seconds]."""
        return _MIN_SETBACK_SECONDS

    # ---- roles

    @external("labelRole(uint64,string)")
    def label_role(self, sender: Address, role: int, label: str) -> None:
        """Name a role in an event."""
        self._check_admin(sender, ADMIN_ROLE)
        _require_unlocked(role)
        self.emit("RoleLabel", role, label)

    @external("grantRole(uint64,address,uint32)")
    def grant_role(self, sender: Address, role: int, account: Address, execution_delay: int) -> None:
        """Make `account` a member (``AccessManager.sol::grantRole``).

        Raises
        ------
        AccessManagerUnauthorizedAccount, AccessManagerLockedRole
            As named.
        """
        self._check_admin(sender, self.get_role_admin(role))
        self._grant(role, account, self.get_role_grant_delay(role), execution_delay)

    @external("revokeRole(uint64,address)")
    def revoke_role(self, sender: Address, role: int, account: Address) -> None:
        """End a membership (``AccessManager.sol::revokeRole``).

        Raises
        ------
        AccessManagerUnauthorizedAccount, AccessManagerLockedRole
            As named.
        """
        self._check_admin(sender, self.get_role_admin(role))
        self._revoke(role, account)

    @external("renounceRole(uint64,address)")
    def renounce_role(self, sender: Address, role: int, confirmation: Address) -> None:
        """End one's own membership (``AccessManager.sol::renounceRole``).

        Raises
        ------
        AccessManagerBadConfirmation, AccessManagerLockedRole
            As named.
        """
        if confirmation != sender:
            raise AccessManagerBadConfirmation
        self._revoke(role, confirmation)

    @external("setRoleAdmin(uint64,uint64)")
    def set_role_admin(self, sender: Address, role: int, admin: int) -> None:
        """Set the role that grants and revokes `role`."""
        self._check_admin(sender, ADMIN_ROLE)
        _require_unlocked(role)
        self._put(self._admins, role, admin)
        self.emit("RoleAdminChanged", role, admin)

    @external("setRoleGuardian(uint64,uint64)")
    def set_role_guardian(self, sender: Address, role: int, guardian: int) -> None:
        """Set the role that cancels operations of `role`."""
        self._check_admin(sender, ADMIN_ROLE)
        _require_unlocked(role)
        self._put(self._guardians, role, guardian)
        self.emit("RoleGuardianChanged", role, guardian)

    @external("setGrantDelay(uint64,uint32)")
    def set_grant_delay(self, sender: Address, role: int, delay: int) -> None:
        """Set the time until a grant takes effect [seconds]; the change itself takes five days."""
        self._check_admin(sender, ADMIN_ROLE)
        if role == PUBLIC_ROLE:
            raise AccessManagerLockedRole(role)
        now = self.world.timestamp
        updated = self._grant_delays.get(role, Delay()).with_update(delay, _MIN_SETBACK_SECONDS, now)
        self._put(self._grant_delays, role, updated)
        self.emit("RoleGrantDelayChanged", role, delay, updated.effect)

    # ---- targets

    @external("setTargetFunctionRole(address,bytes4[],uint64)")
    def set_target_function_role(self, sender: Address, target: Address, selectors: tuple[str, ...], role: int) -> None:
        """Set the role of functions (``AccessManager.sol::setTargetFunctionRole``).

        Raises
        ------
        AccessManagerUnauthorizedAccount, AccessManagerLockedFunction
            As named.
        """
        self._check_admin(sender, ADMIN_ROLE, self.get_target_admin_delay(target))
        for selector in selectors:
            if selector == abi.selector(_SET_AUTHORITY):
                raise AccessManagerLockedFunction(selector)
            self._put(self._function_roles, (target, selector), role)
            self.emit("TargetFunctionRoleUpdated", target, selector, role)

    @external("setTargetAdminDelay(address,uint32)")
    def set_target_admin_delay(self, sender: Address, target: Address, delay: int) -> None:
        """Set the delay of changes to a target [seconds]; the change itself takes five days."""
        self._check_admin(sender, ADMIN_ROLE)
        now = self.world.timestamp
        updated = self._admin_delays.get(target, Delay()).with_update(delay, _MIN_SETBACK_SECONDS, now)
        self._put(self._admin_delays, target, updated)
        self.emit("TargetAdminDelayUpdated", target, delay, updated.effect)

    @external("setTargetClosed(address,bool)")
    def set_target_closed(self, sender: Address, target: Address, closed: bool) -> None:
        """Close or open a target's restricted functions."""
        self._check_admin(sender, ADMIN_ROLE, self.get_target_admin_delay(target))
        self._put(self._closed, target, closed)
        self.emit("TargetClosed", target, closed)

    # ---- internal

    def _check_admin(self, caller: Address, role: int, operation_delay: int = 0) -> None:
        is_member, execution_delay = self.has_role(role, caller)
        if not is_member:
            raise AccessManagerUnauthorizedAccount(caller, role)
        if max(operation_delay, execution_delay) > 0:
            raise NotImplementedError("the model does not schedule operations")

    def _grant(self, role: int, account: Address, grant_delay: int, execution_delay: int) -> None:
        if role == PUBLIC_ROLE:
            raise AccessManagerLockedRole(role)
        now = self.world.timestamp
        access = self._members.get((role, account), _Access())
        is_new = access.since == 0
        if is_new:
            since = now + grant_delay
            access = _Access(since, Delay(after=execution_delay))
        else:
            delay = access.delay.with_update(execution_delay, 0, now)
            since = delay.effect
            access = _Access(access.since, delay)
        self._put(self._members, (role, account), access)
        self.emit("RoleGranted", role, account, execution_delay, since, is_new)

    def _revoke(self, role: int, account: Address) -> None:
        if role == PUBLIC_ROLE:
            raise AccessManagerLockedRole(role)
        if self._members.get((role, account), _Access()).since == 0:
            return
        self._put(self._members, (role, account), _Access())
        self.emit("RoleRevoked", role, account)


def _require_unlocked(role: int) -> None:
    if role in (ADMIN_ROLE, PUBLIC_ROLE):
        raise AccessManagerLockedRole(role)


class AccessManaged(Contract):
    """A contract with restricted functions."""

    @view("authority() -> (address)")
    def authority(self) -> Address:
        """Return the address of the authority."""
        return self.world.authority.address

    @external("setAuthority(address)")
    def set_authority(self, sender: Address, new_authority: Address) -> None:
        """Refuse: only the authority itself may be the sender (``AccessManaged.sol::setAuthority``)."""
        if sender != self.authority():
            raise AccessManagedUnauthorized(sender)
        raise AccessManagedInvalidAuthority(new_authority)

    @view("isConsumingScheduledOp() -> (bytes4)")
    def is_consuming_scheduled_op(self) -> str:
        """Return zero: nothing is consumed between calls."""
        return "0x00000000"

    def _check_can_call(self, caller: Address, function: str, args: tuple[Any, ...]) -> None:
        """Check the caller of a restricted function (``AccessManaged.sol::restricted``)."""
        entry = self.entries_by_name[function]
        immediate, delay = self.world.authority.can_call(caller, self.address, entry.selector)
        if immediate:
            return
        if delay == 0:
            raise AccessManagedUnauthorized(caller)
        data = entry.selector + entry.inputs.encode(args).hex()
        raise AccessManagerNotScheduled("0x" + keccak256(_OPERATION.encode((caller, self.address, data))).hex())
