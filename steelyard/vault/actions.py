"""What a provider sends, or would send in a dry run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steelyard.client.units import text_of
from steelyard.client.vault import Kind
from steelyard.deployment.artefact import LOCAL_CHAIN_IDS
from steelyard.vault.amounts import decimal_of
from steelyard.vault.errors import MintForbidden, NothingClaimable, SharesMissing, TokensMissing

if TYPE_CHECKING:
    from steelyard.client.chain import Receipt, Sender
    from steelyard.client.vault import Request, Vault

__all__ = ["Claimed", "Done", "Provider", "decimals_of"]

_TOKEN_DECIMALS = 6
_SHARE_DECIMALS = 18


def decimals_of(kind: Kind) -> tuple[int, int]:
    """Return the decimals of what is given and of what is paid: tokens for shares, or shares for tokens."""
    decimals = _TOKEN_DECIMALS, _SHARE_DECIMALS
    return decimals if kind is Kind.DEPOSIT else decimals[::-1]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim pays: token units and shares of deposits, shares and token units of redemptions."""

    kind: Kind
    given: int
    paid: int

    def to_json(self) -> dict[str, str]:
        """Return values for JSON; amounts as text of the exact decimals."""
        given, paid = decimals_of(self.kind)
        return {"kind": self.kind.value, "given": text_of(self.given, given), "paid": text_of(self.paid, paid)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command did, or would do.

    Attributes
    ----------
    owner : str
        Who sends.
    steps : tuple of str
        In words, in their order.
    transactions : tuple of str
        Their hashes; none in a dry run.
    gas_used : int
        Of all of them.
    request : Request or None
        That was made or cancelled.
    claimed : tuple of Claimed
        What was paid.
    """

    owner: str
    steps: tuple[str, ...]
    transactions: tuple[str, ...] = ()
    gas_used: int = 0
    request: Request | None = None
    claimed: tuple[Claimed, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return values for JSON; amounts as text of the exact decimals."""
        return {
            "owner": self.owner,
            "is_sent": bool(self.transactions),
            "steps": list(self.steps),
            "transactions": list(self.transactions),
            "gas_used": self.gas_used,
            "request": self.request and self.request.to_json(),
            "claimed": [one.to_json() for one in self.claimed],
        }


class Provider:
    """A provider of liquidity at work.

    Parameters
    ----------
    vault : Vault
        Where.
    sender : Sender
        Who owns the tokens, controls the requests and gets what they pay.
    is_dry : bool
        Ask the contracts whether they would take it, send nothing.
    """

    def __init__(self, vault: Vault, sender: Sender, *, is_dry: bool = False) -> None:
        self._vault = vault
        self._sender = sender
        self._is_dry = is_dry

    def deposit(self, assets: int, *, is_minted: bool = False) -> Done:
        """Request shares for `assets` token units; lets the vault take just as many where it may not yet.

        Parameters
        ----------
        assets
            [token units]
        is_minted
            Make the tokens first, which the token of a local chain lets anybody do.

        Raises
        ------
        MintForbidden
            The chain is not local.
        TokensMissing
            The sender has not as many.
        ContractReverted
            The vault refuses.
        """
        vault, chain, owner = self._vault, self._vault.chain, self._sender.address
        token, spender = vault.exchange.token, vault.contract.address
        steps: list[str] = []
        receipts: list[Receipt] = []
        if is_minted:
            if chain.chain_id not in LOCAL_CHAIN_IDS:
                raise MintForbidden(chain.chain_id)
            steps.append(f"mint {_tokens(assets)} tokens")
            if not self._is_dry:
                receipts.append(chain.send(self._sender, token, "mint", owner, assets))
        elif (held := chain.call(token, "balanceOf", owner)) < assets:
            raise TokensMissing(owner, _tokens(held), _tokens(assets))
        if chain.call(token, "allowance", owner, spender) < assets:
            steps.append(f"let the vault take {_tokens(assets)} tokens")
            if not self._is_dry:
                receipts.append(chain.send(self._sender, token, "approve", spender, assets))
        steps.append(f"request shares for {_tokens(assets)} tokens")
        if self._is_dry:
            if len(steps) == 1:
                self._try(vault.contract, "requestDeposit", assets, owner, owner)
            return Done(owner=owner, steps=tuple(steps))
        receipts.append(vault.request_deposit(self._sender, assets))
        return self._requested(Kind.DEPOSIT, steps, receipts)

    def redeem(self, shares: int | None) -> Done:
        """Request token units for `shares`, or for all that the sender holds.

        Raises
        ------
        SharesMissing
            The sender has not as many, or none.
        ContractReverted
            The vault refuses.
        """
        vault, owner = self._vault, self._sender.address
        held = vault.shares_of(owner)
        if held < (shares or 1):
            raise SharesMissing(owner, _shares(held), "any" if shares is None else _shares(shares))
        amount = held if shares is None else shares
        steps = [f"request tokens for {_shares(amount)} shares"]
        if self._is_dry:
            self._try(vault.contract, "requestRedeem", amount, owner, owner)
            return Done(owner=owner, steps=tuple(steps))
        return self._requested(Kind.REDEEM, steps, [vault.request_redeem(self._sender, amount)])

    def claim(self) -> Done:
        """Claim what settled requests pay, of deposits and of redemptions.

        Raises
        ------
        NothingClaimable
            None is settled and unclaimed.
        ContractReverted
            The vault refuses.
        """
        vault, owner = self._vault, self._sender.address
        claims = [Claimed(kind, *vault.claimable(kind, owner)) for kind in Kind]
        due = tuple(one for one in claims if one.given)
        if not due:
            raise NothingClaimable(owner)
        steps = tuple(
            f"claim {_shares(one.paid)} shares of deposits"
            if one.kind is Kind.DEPOSIT
            else f"claim {_tokens(one.paid)} tokens of redemptions"
            for one in due
        )
        if self._is_dry:
            return Done(owner=owner, steps=steps, claimed=due)
        receipts = [vault.claim(self._sender, one.kind, one.given) for one in due]
        return self._sent(steps, receipts, claimed=due)

    def cancel(self, kind: Kind, number: int) -> Done:
        """Take back what is not settled of a request.

        Raises
        ------
        ContractReverted
            There is no such request, it is another's, it is settled, or it is too young.
        """
        vault, owner = self._vault, self._sender.address
        self._try(vault.contract, f"cancel{kind.value.capitalize()}", number, owner)
        before = vault.request(kind, number, owner)
        amount = _tokens(before.pending) if kind is Kind.DEPOSIT else _shares(before.pending)
        steps = (f"take back {amount} {'tokens' if kind is Kind.DEPOSIT else 'shares'} of {kind.value} {number}",)
        if self._is_dry:
            return Done(owner=owner, steps=steps, request=before)
        receipt = vault.cancel(self._sender, kind, number)
        return self._sent(steps, [receipt], request=vault.request(kind, number, owner))

    def _try(self, contract: Any, function: str, *arguments: Any) -> None:
        self._vault.chain.call(contract, function, *arguments, sender=self._sender.address)

    def _requested(self, kind: Kind, steps: list[str], receipts: list[Receipt]) -> Done:
        number = self._vault.number_of(receipts[-1])
        request = self._vault.request(kind, number, self._sender.address)
        return self._sent(tuple(steps), receipts, request=request)

    def _sent(self, steps: tuple[str, ...], receipts: list[Receipt], **what: Any) -> Done:
        return Done(
            owner=self._sender.address,
            steps=steps,
            transactions=tuple(one.hash for one in receipts),
            gas_used=sum(one.gas_used for one in receipts),
            **what,
        )


def _tokens(units: int) -> str:
    return decimal_of(units, _TOKEN_DECIMALS)


def _shares(units: int) -> str:
    return decimal_of(units, _SHARE_DECIMALS)
