"""What a trader can do: the methods of `Client` and `AsyncClient`, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

from steelyard.client import specs
from steelyard.client.calls import block_of, decode_logs, read
from steelyard.client.errors import DocumentInvalid, MintForbidden, OrderInvalid, PositionNone
from steelyard.client.handles import OrderHandle, record_from_json
from steelyard.client.lifecycle import BOOK_EVENTS
from steelyard.client.operators import Operators
from steelyard.client.records import MarginMode, Order, Terms
from steelyard.client.session import OrderRecord
from steelyard.client.signing import SignedOrder, order_hash, typed_data, words_of
from steelyard.client.steps import Steps, operation
from steelyard.client.units import from_token, from_wad, to_size, to_token, to_unsigned
from steelyard.client.values import Account, Margin, Market, Moves, Quote
from steelyard.deployment.artefact import LOCAL_CHAIN_IDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from steelyard.client.calls import Receipt
    from steelyard.client.records import AccountId
    from steelyard.client.session import AccountLike, Session
    from steelyard.client.specs import Expiry, OrderSpec
    from steelyard.client.units import Amount

__all__ = ["EntryOptions", "Options", "Trading"]

_H = TypeVar("_H", bound=OrderHandle)
_MADE = ("OrderCommitted", "OrderPlaced")


class Options(TypedDict, total=False):
    """What every order may say besides: see `OrderSpec`."""

    acceptable_price: Amount | None
    slippage: Amount | None
    keeper_fee: Amount | None
    expires: Expiry
    slot: int | None


class EntryOptions(Options, total=False):
    """The same of an order that may also be told to reduce only."""

    reduce_only: bool


class Trading(Operators, Generic[_H]):
    """The methods of a client. Amounts are `Decimal`, `int` or text; sizes in base units, the rest in USD."""

    def __init__(self, session: Session, to_handle: Callable[[OrderRecord], _H]) -> None:
        self._session = session
        self._to_handle = to_handle

    @property
    def address(self) -> str:
        """Of the signer; raises `SignerMissing` where there is none."""
        return self._session.sender.address

    def account_id(self, account: AccountLike = None) -> AccountId:
        """Return the id of an account: a number among the signer's own, `0xOWNER/NUMBER`, or an id.

        Raises
        ------
        AccountInvalid
            It is none of these.
        """
        return self._session.account_of(account)

    # ---- markets and accounts

    @operation
    def markets(self) -> Steps[list[Market]]:
        """Return all markets, lowest number first."""
        views = yield from self._session.views.market_views()
        return [Market.of(view, self._session.symbol(view.market)) for view in views]

    @operation
    def market(self, market: str | int) -> Steps[Market]:
        """Return a market by symbol or number.

        Raises
        ------
        MarketUnlisted
            There is none of this name.
        """
        number = yield from self._session.market_of(market)
        views = yield from self._session.views.market_views()
        return Market.of(views[number], self._session.symbol(number))

    @operation
    def account(self, account: AccountLike = None) -> Steps[Account]:
        """Return an account with its positions, at current prices.

        Raises
        ------
        PriceMissing, PriceStale, PriceUncertain
            A price that its worth depends on cannot be used.
        """
        session = self._session
        id_ = session.account_of(account)
        (view,) = yield from session.views.account_views([id_])
        positions = yield from session.views.positions_of(id_)
        return Account.of(view, positions, {held.market: session.symbol(held.market) for held in positions})

    @operation
    def margins(self, account: AccountLike = None) -> Steps[dict[MarginMode, Margin]]:
        """Return what an account's positions would require in each margin mode."""
        session = self._session
        views = yield from session.views.margins_of(session.account_of(account))
        symbols = [session.symbol(number) for number in range(120)]
        return {mode: Margin.of(view, symbols) for mode, view in views.items()}

    @operation
    def moves(self, account: AccountLike = None) -> Steps[Moves]:
        """Return by what all prices may be multiplied before an account can be liquidated."""
        return Moves.of((yield from self._session.views.joint_move(self._session.account_of(account))))

    @operation
    def quote(self, market: str | int, size: Amount, *, account: AccountLike = None) -> Steps[Quote]:
        """Return what a trade of `size` [base], negative to sell, would do at the price of now.

        Raises
        ------
        AmountInvalid
            The size is zero, or not exact in 18 decimals.
        """
        session = self._session
        number = yield from session.market_of(market)
        record = yield from session.views.quote(session.account_of(account), number, to_size(size))
        return Quote.of(record, session.symbol(number))

    @operation
    def largest_order(self, market: str | int, *, is_buy: bool, account: AccountLike = None) -> Steps[Decimal]:
        """Return the largest order that leaves the initial margin [base], negative for a sale, 0 for none."""
        session = self._session
        number = yield from session.market_of(market)
        id_ = session.account_of(account)
        return from_wad((yield from session.views.largest_order(id_, number, is_buy=is_buy)))

    @operation
    def wallet(self, owner: str | None = None) -> Steps[Decimal]:
        """Return how much of the settlement token an address holds, by default the signer's [USD]."""
        held = yield from read(self._session.views.token, "balanceOf", self._session.owner_of(owner))
        return from_token(held)

    # ---- money

    @operation
    def mint(self, amount: Amount) -> Steps[Receipt]:
        """Make `amount` [USD, 6 decimals] of the token that stands in on local chains, for the signer.

        Raises
        ------
        MintForbidden
            The deployment is on another chain, with a token of value.
        """
        session = self._session
        if session.chain_id not in LOCAL_CHAIN_IDS:
            raise MintForbidden(session.chain_id)
        return (yield from session.send(session.views.token, "mint", self.address, to_token(amount, "amount")))

    @operation
    def deposit(self, amount: Amount, account: AccountLike = None) -> Steps[Receipt]:
        """Pay `amount` [USD, 6 decimals] from the signer's wallet into an account, and approve the token as needed."""
        session = self._session
        id_, units = session.account_of(account), to_token(amount, "amount")
        token, house = session.views.token, session.views.clearinghouse
        if (yield from read(token, "allowance", self.address, house.address)) < units:
            yield from session.send(token, "approve", house.address, units)
        return (yield from session.send(house, "deposit", id_, units))

    @operation
    def withdraw(self, amount: Amount, account: AccountLike = None, *, recipient: str | None = None) -> Steps[Receipt]:
        """Pay `amount` [USD, 6 decimals] out to an address, by default the signer's."""
        session = self._session
        to = self.address if recipient is None else session.address_of(recipient, "recipient")
        arguments = session.account_of(account), to_token(amount, "amount"), to
        return (yield from session.send(session.views.clearinghouse, "withdraw", *arguments))

    @operation
    def transfer(self, amount: Amount, source: AccountLike, target: AccountLike) -> Steps[Receipt]:
        """Move `amount` [USD] between two accounts of one owner."""
        session = self._session
        arguments = session.account_of(source), session.account_of(target), to_unsigned(amount, 18, 128, "amount")
        return (yield from session.send(session.views.clearinghouse, "transfer", *arguments))

    @operation
    def set_leverage(self, leverage: Amount, account: AccountLike, *, funded_by: AccountLike) -> Steps[Receipt]:
        """Bring an account with positions to `leverage` (notional over equity) by moving quote from, or to, another."""
        session = self._session
        arguments = (
            session.account_of(account),
            session.account_of(funded_by),
            to_unsigned(leverage, 18, 128, "leverage"),
        )
        return (yield from session.send(session.views.clearinghouse, "setLeverage", *arguments))

    @operation
    def set_margin_mode(self, mode: MarginMode | str, account: AccountLike = None) -> Steps[Receipt]:
        """Set how an account's positions share its margin: cross, isolated or portfolio."""
        session = self._session
        if isinstance(mode, str):
            mode = MarginMode[mode.upper()]
        return (
            yield from session.send(session.views.clearinghouse, "setMarginMode", session.account_of(account), mode)
        )

    @operation
    def move_position(
        self, market: str | int, size: Amount, source: AccountLike, target: AccountLike
    ) -> Steps[Receipt]:
        """Move up to `size` [base] of a position to another account of its owner at the oracle price."""
        session = self._session
        number = yield from session.market_of(market)
        arguments = session.account_of(source), session.account_of(target), number, to_unsigned(size, 18, 128, "size")
        return (yield from session.send(session.views.clearinghouse, "movePosition", *arguments))

    # ---- orders

    @operation
    def place(self, spec: OrderSpec, *, account: AccountLike = None) -> Steps[_H]:
        """Commit to an order that fills at once, or place one that rests; returns once it is mined.

        Raises
        ------
        AmountInvalid, OrderInvalid, MarketUnlisted, PositionNone
            The order is refused here.
        SlotOccupied, KeeperFeeExceeded, OrderExpired, TermsInvalid, AccountUnauthorized
            It is refused by the contract; nothing was sent.
        """
        return (yield from self._place(spec, account))

    @operation
    def market_order(
        self, market: str | int, size: Amount, *, account: AccountLike = None, **options: Unpack[EntryOptions]
    ) -> Steps[_H]:
        """Buy `size` [base], or sell where negative, at the first price after the delay; within 1% of now's."""
        return (yield from self._place(specs.Market(market=market, size=size, **options), account))

    @operation
    def limit(
        self,
        market: str | int,
        size: Amount,
        price: Amount,
        *,
        account: AccountLike = None,
        **options: Unpack[EntryOptions],
    ) -> Steps[_H]:
        """Buy `size` [base], or sell where negative, once the price is `price` [USD] or better, at it or better."""
        return (yield from self._place(specs.Limit(market=market, size=size, price=price, **options), account))

    @operation
    def stop_entry(
        self, market: str | int, size: Amount, price: Amount, *, account: AccountLike = None, **options: Unpack[Options]
    ) -> Steps[_H]:
        """Buy `size` [base] at `price` [USD] or above, or sell, where negative, at that or below; within 1% of it."""
        return (yield from self._place(specs.Stop(market=market, size=size, price=price, **options), account))

    @operation
    def stop_loss(
        self,
        market: str | int,
        price: Amount,
        size: Amount | None = None,
        *,
        account: AccountLike = None,
        **options: Unpack[Options],
    ) -> Steps[_H]:
        """Reduce a position at `price` [USD] or worse; all of it, or `size` [base], negative of a long."""
        spec = specs.Stop(market=market, size=size, price=price, reduce_only=True, **options)
        return (yield from self._place(spec, account))

    @operation
    def take_profit(
        self,
        market: str | int,
        price: Amount,
        size: Amount | None = None,
        *,
        account: AccountLike = None,
        **options: Unpack[Options],
    ) -> Steps[_H]:
        """Reduce a position at `price` [USD] or better; all of it, or `size` [base], negative of a long."""
        spec = specs.Limit(market=market, size=size, price=price, reduce_only=True, **options)
        return (yield from self._place(spec, account))

    @operation
    def trailing_stop(
        self,
        market: str | int,
        distance: Amount,
        size: Amount | None = None,
        *,
        account: AccountLike = None,
        **options: Unpack[Options],
    ) -> Steps[_H]:
        """Reduce a position at a price worse by `distance` [%] than the best from now on; all, or `size` [base]."""
        spec = specs.TrailingStop(market=market, size=size, distance=distance, reduce_only=True, **options)
        return (yield from self._place(spec, account))

    @operation
    def twap(
        self,
        market: str | int,
        size: Amount,
        *,
        slices: int,
        interval: int,
        account: AccountLike = None,
        **options: Unpack[EntryOptions],
    ) -> Steps[_H]:
        """Buy `size` [base], or sell where negative, in `slices` equal parts, one each `interval` [s]."""
        spec = specs.Twap(market=market, size=size, slices=slices, interval=interval, **options)
        return (yield from self._place(spec, account))

    @operation
    def bracket(
        self,
        market: str | int,
        size: Amount,
        *,
        stop_price: Amount,
        target_price: Amount,
        price: Amount | None = None,
        account: AccountLike = None,
        **options: Unpack[Options],
    ) -> Steps[_H]:
        """Enter with `size` [base], at once or at `price` [USD] or better, then leave at the stop or the target."""
        spec = specs.Bracket(
            market=market, size=size, stop_price=stop_price, target_price=target_price, price=price, **options
        )
        return (yield from self._place(spec, account))

    @operation
    def draft(self, spec: OrderSpec, *, account: AccountLike = None) -> Steps[tuple[Order, Terms | None]]:
        """Return what `place` would send, in the contract's units."""
        order, terms = yield from self._compose(spec, account)
        self._session.release_slot(order.account, order.slot)
        return order, terms

    @operation
    def orders(self, account: AccountLike = None, *, since: int | None = None) -> Steps[list[_H]]:
        """Return the orders that hold a slot, lowest first; made from events, whoever placed them.

        Parameters
        ----------
        account : AccountLike
            Whose.
        since : int, optional
            Block to read events from, where older orders need not be found; the deployment's first otherwise. They are
            read 5,000 blocks a time, or fewer where the node refuses that.
        """
        session = self._session
        id_ = session.account_of(account)
        rules = yield from session.rules()
        head = yield from block_of()
        logs = yield from session.events(id_, session.artefact.first_block if since is None else since, head.number)
        latest = {log.arguments["order"].slot: log for log in logs if log.name in _MADE}
        found = []
        for slot in sorted(latest):
            held = yield from session.views.commitment_of(id_, slot, block=head.number)
            can_settle = held.is_resting or head.timestamp <= held.committed_at + rules.delay + rules.window
            record = _record(latest[slot], held.committed_at)
            if held.committed_at and can_settle and held.order_hash == order_hash(record.order, record.terms):
                found.append(self._to_handle(record))
        return found

    def load(self, document: Any) -> _H:
        """Return an order that `to_json` saved.

        Raises
        ------
        DocumentInvalid
            It is none, is not whole, or is of another deployment.
        """
        return self._to_handle(record_from_json(document, self._session))

    # ---- signed orders

    @operation
    def sign(self, spec: OrderSpec, *, account: AccountLike = None) -> Steps[SignedOrder]:
        """Sign an order that anyone may bring to the chain, once. It is as new as the transaction that does.

        An order that rests must say when it expires: nothing else ends a message, but `cancel_nonces`. Its slot is free
        now, and is not used again by this client.
        """
        if spec.expires is None and not specs.fills_at_once(spec):
            raise OrderInvalid("a signed order that rests has to expire: say when")
        session = self._session
        order, terms = yield from self._compose(spec, account)
        nonce = session.next_nonce()
        book = session.views.order_book.address
        data = typed_data(order, terms, self.address, nonce, chain_id=session.chain_id, order_book=book)
        signature = yield from session.sender.sign(data)
        return SignedOrder(
            order=order,
            terms=terms,
            nonce=nonce,
            signer=self.address,
            signature=signature,
            chain_id=session.chain_id,
            order_book=book,
        )

    @operation
    def relay(self, signed: SignedOrder) -> Steps[_H]:
        """Bring a signed order to the chain, whoever signed it.

        Raises
        ------
        DocumentInvalid
            It is of another deployment.
        NonceUsed, SignatureInvalid
            It was used or cancelled; it is not its signer's.
        """
        session = self._session
        book = session.views.order_book
        if (signed.chain_id, signed.order_book.lower()) != (session.chain_id, book.address.lower()):
            raise DocumentInvalid(
                f"a signed order of {signed.order_book} on chain {signed.chain_id}, not of {book.address}"
            )
        rest = signed.nonce, signed.signer, signed.signature
        if signed.terms is None:
            receipt = yield from session.send(book, "commitSigned", signed.order.encoded(), *rest)
        else:
            arguments = signed.order.encoded(), signed.terms.encoded(), *rest
            receipt = yield from session.send(book, "placeSigned", *arguments)
        session.release_slot(signed.order.account, signed.order.slot)
        return (yield from self._made(receipt, signed.order))

    @operation
    def cancel_nonces(self, nonces: Iterable[int | SignedOrder]) -> Steps[list[Receipt]]:
        """Cancel signed orders of the signer before they reach the chain; one transaction for each 256 neighbours.

        Raises
        ------
        AmountInvalid
            A nonce is out of range.
        """
        words = words_of(one.nonce if isinstance(one, SignedOrder) else one for one in nonces)
        book, receipts = self._session.views.order_book, []
        for word, mask in words:
            receipts.append((yield from self._session.send(book, "cancelNonces", word, mask)))
        return receipts

    @operation
    def is_nonce_used(self, nonce: int, signer: str | None = None) -> Steps[bool]:
        """Return whether a nonce of a signer, by default this one, was used or cancelled.

        Raises
        ------
        AmountInvalid
            It is out of range.
        """
        words_of([nonce])
        session = self._session
        return bool((yield from read(session.views.order_book, "isNonceUsed", session.owner_of(signer), nonce)))

    # ---- parts

    def _place(self, spec: OrderSpec, account: AccountLike) -> Steps[_H]:
        session = self._session
        order, terms = yield from self._compose(spec, account)
        book = session.views.order_book
        try:
            if terms is None:
                receipt = yield from session.send(book, "commit", order.encoded())
            else:
                receipt = yield from session.send(book, "place", order.encoded(), terms.encoded())
        finally:
            session.release_slot(order.account, order.slot)
        return (yield from self._made(receipt, order))

    def _compose(self, spec: OrderSpec, account: AccountLike) -> Steps[tuple[Order, Terms | None]]:
        session = self._session
        id_ = session.account_of(account)
        number = yield from session.market_of(spec.market)
        position, quote, min_size, price = 0, None, 0, 0
        is_opening_twap = isinstance(spec, specs.Twap) and not spec.reduce_only
        is_exit = spec.size is None and spec.reduce_only
        if is_exit or is_opening_twap:
            held = yield from session.views.positions_of(id_)
            position = next((one.size for one in held if one.market == number), 0)
            if is_exit and position == 0:
                raise PositionNone(session.symbol(number))
        if is_opening_twap:
            min_size = yield from session.views.min_size(number)
        if isinstance(spec, specs.Bracket):
            price = yield from session.views.latest_price(number)
        if specs.needs_quote(spec):
            quote = (yield from session.views.quote(id_, number, specs.size_of(spec, position))).fill_price
        rules = yield from session.rules()
        now = (yield from block_of()).timestamp
        slot = yield from session.take_slot(id_, spec.slot)
        try:
            return specs.compose(
                spec,
                specs.Situation(
                    account=id_,
                    market=number,
                    slot=slot,
                    now=now,
                    position=position,
                    min_size=min_size,
                    price=price,
                    quote=quote,
                    keeper_fee=session.keeper_fee,
                    min_interval=rules.delay + rules.window,
                ),
            )
        except Exception:
            session.release_slot(id_, slot)
            raise

    def _made(self, receipt: Receipt, order: Order) -> Steps[_H]:
        logs = decode_logs(self._session.views.order_book, receipt.raw_logs, *BOOK_EVENTS)
        mine = (log for log in logs if log.name in _MADE and log.arguments["order"][:3] == order.encoded()[:3])
        made_at = (yield from block_of(receipt.block)).timestamp
        return self._to_handle(_record(next(mine), made_at))


def _record(log: Any, made_at: int) -> OrderRecord:
    arguments = log.arguments
    return OrderRecord(
        order=Order.of(arguments["order"]),
        terms=Terms.of(arguments["terms"]) if "terms" in arguments else None,
        made_at=made_at,
        block=log.block,
        index=log.index,
        transaction=log.transaction,
    )
