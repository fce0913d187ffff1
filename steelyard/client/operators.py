"""Who may act for an owner: said on chain by him, or signed by him and brought there by anyone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.client import specs
from steelyard.client.calls import block_of, read
from steelyard.client.errors import DocumentInvalid, PermitInvalid
from steelyard.client.signing import Permit, SignedPermit, words_of
from steelyard.client.steps import Steps, operation
from steelyard.client.values import Grant, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steelyard.client.calls import Receipt
    from steelyard.client.session import Session
    from steelyard.client.specs import Expiry

__all__ = ["Operators"]

_EVERYTHING = Permission.TRADE | Permission.MARGIN | Permission.WITHDRAW


class Operators:
    """The methods of a client that concern operators: addresses that act on all accounts of an owner."""

    _session: Session

    @operation
    def set_operator(self, operator: str, permissions: Permission, *, expires: Expiry = None) -> Steps[Receipt]:
        """Let `operator` act on all of the signer's accounts until `expires`, None for ever; no permission revokes.

        Raises
        ------
        AddressInvalid, PermitInvalid
            The operator is no address; there is no such permission.
        """
        session = self._session
        flags, who = _flags(permissions), session.address_of(operator, "operator")
        now = (yield from block_of()).timestamp
        until = specs.NEVER if expires is None else specs.to_time(expires, now)
        return (yield from session.send(session.views.clearinghouse, "setOperator", who, flags, until))

    @operation
    def permission(self, operator: str, owner: str | None = None) -> Steps[Grant]:
        """Return what `operator` may do on all accounts of `owner`, by default the signer, and until when [Unix s].

        Raises
        ------
        AddressInvalid
            One of them is no address.
        """
        session = self._session
        pair = session.owner_of(owner), session.address_of(operator, "operator")
        held = yield from read(session.views.clearinghouse, "permissionOf", *pair)
        return Grant(permissions=Permission(held.flags), expires_at=held.expiresAt)

    @operation
    def sign_permit(self, operator: str, permissions: Permission, *, expires: Expiry) -> Steps[SignedPermit]:
        """Sign what `operator` may do on all of the signer's accounts until `expires`; nothing is sent.

        Anyone brings it to the chain, once, with `relay_permit`. It replaces what the operator was allowed before; no
        permission revokes it. Permits have no order: one that is not to count any more has its nonce cancelled.

        Parameters
        ----------
        operator : str
            Address that may act.
        permissions : Permission
            What it may do: trade, margin, withdraw to the owner; or none.
        expires : int, datetime or timedelta
            Until when both the message and the permission are good, inclusive: Unix seconds, a time with its zone, or a
            while from the chain's now.

        Raises
        ------
        AddressInvalid
            The operator is no address.
        PermitInvalid
            It says not when it expires, has expired, or there is no such permission.
        SignerMissing
            Nobody signs.
        """
        session = self._session
        flags, who = _flags(permissions), session.address_of(operator, "operator")
        if expires is None:
            raise PermitInvalid("a signed permit has to expire: say when")
        now = (yield from block_of()).timestamp
        until = specs.to_time(expires, now)
        if until < now:
            raise PermitInvalid(f"a permit until {until} has expired: it is {now} on the chain")
        permit = Permit(
            owner=session.sender.address,
            operator=who,
            permissions=Permission(flags),
            expires_at=until,
            nonce=session.next_nonce(),
            chain_id=session.chain_id,
            clearinghouse=session.views.clearinghouse.address,
        )
        return SignedPermit(permit, (yield from session.sender.sign(permit.typed_data)))

    @operation
    def relay_permit(self, signed: SignedPermit) -> Steps[Receipt]:
        """Bring a signed permit to the chain, whoever signed it.

        Raises
        ------
        DocumentInvalid
            It is of another deployment.
        PermitExpired, NonceUsed, SignatureInvalid
            It is too late; it was used or cancelled; it is not its owner's.
        """
        session, permit = self._session, signed.permit
        house = session.views.clearinghouse
        if (permit.chain_id, permit.clearinghouse.lower()) != (session.chain_id, house.address.lower()):
            raise DocumentInvalid(
                f"a permit of {permit.clearinghouse} on chain {permit.chain_id}, not of {house.address}"
            )
        return (yield from session.send(house, "permitOperator", *permit.encoded(), signed.signature))

    @operation
    def cancel_permits(self, nonces: Iterable[int | SignedPermit]) -> Steps[list[Receipt]]:
        """Cancel signed permits of the signer before they reach the chain; one transaction for each 256 neighbours.

        Their nonces are the clearinghouse's, and have nothing to do with those of orders. A permit that was relayed is
        ended by `set_operator`.

        Raises
        ------
        AmountInvalid
            A nonce is out of range.
        """
        words = words_of(one.permit.nonce if isinstance(one, SignedPermit) else one for one in nonces)
        house, receipts = self._session.views.clearinghouse, []
        for word, mask in words:
            receipts.append((yield from self._session.send(house, "cancelNonces", word, mask)))
        return receipts

    @operation
    def is_permit_used(self, nonce: int | SignedPermit, owner: str | None = None) -> Steps[bool]:
        """Return whether a permit, or a nonce of an owner, by default the signer, was used or cancelled.

        Raises
        ------
        AmountInvalid
            A nonce is out of range.
        """
        session = self._session
        if isinstance(nonce, SignedPermit):
            pair = nonce.permit.owner, nonce.permit.nonce
        else:
            words_of([nonce])
            pair = session.owner_of(owner), nonce
        return bool((yield from read(session.views.clearinghouse, "isNonceUsed", *pair)))


def _flags(permissions: Permission) -> int:
    if not 0 <= permissions <= _EVERYTHING:
        raise PermitInvalid(f"{int(permissions)} is none of the permissions, nor several of them")
    return int(permissions)
