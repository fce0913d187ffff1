"""Calldata and outcomes by wake's own ABI coder, as wake's users have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wake_rs import Abi

from steelyard.evm.abi import EventAbi
from steelyard.fuzz.expected import Expected
from tests.bench.wake.chain import WakeChain

if TYPE_CHECKING:
    from sim.protocol import Outcome
    from steelyard.evm.chain import RawResult

__all__ = ["Decoded", "DecodingChain"]


def _plain(value: Any) -> Any:
    """Return a value of wake's as the model has it."""
    if isinstance(value, (tuple, list)):
        return tuple([_plain(item) for item in value])
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value if isinstance(value, int) else str(value).lower()


def _raw(value: Any) -> Any:
    """Return a value of the model's as wake takes it."""
    if isinstance(value, tuple):
        return [_raw(item) for item in value]
    if isinstance(value, str) and len(value) != 42:
        return bytes.fromhex(value[2:])
    return value


class DecodingChain(WakeChain):
    """Wake's chain with calldata encoded by wake."""

    def send(self, sender: str, contract: str, function: str, args: tuple[Any, ...], value: int = 0) -> RawResult:
        """Send a transaction."""
        address, abi = self._target(contract, function)
        data = Abi.encode_with_selector(abi.selector, [part.kind for part in abi.inputs.parts], _raw(args))
        return self._transact(sender, address, data, value)


class Decoded(Expected):
    """Outcomes compared as values, after wake has decoded them."""

    def __init__(self, chain: WakeChain) -> None:
        super().__init__(chain)
        self._chain = chain
        self._kinds = {
            (name, abi.topic): (abi.name, abi)
            for name in chain.addresses
            for entry in chain.artefacts[chain.type_of(name)].abi
            if entry["type"] == "event"
            for abi in (EventAbi(entry),)
        }
        self._at = {address: name for name, address in chain.addresses.items()}

    def matches(self, contract: str, function: str, outcome: Outcome, result: RawResult) -> bool:
        """Return whether a call left what the model says."""
        if outcome.ok != result.ok:
            return False
        if outcome.error is not None:
            return self._fails(outcome.error.name, outcome.error.args, result.data)
        outputs = self._chain._target(contract, function)[1].outputs
        if _plain(Abi.decode([part.kind for part in outputs.parts], result.data)) != outcome.returns:
            return False
        return [self._event(*log) for log in result.logs] == [tuple(event) for event in outcome.events]

    def _fails(self, name: str, args: tuple[Any, ...], data: bytes) -> bool:
        if not data:
            return not name
        error = self._chain.abi.errors[data[:4]]
        return error.name == name and _plain(Abi.decode([part.kind for part in error.inputs.parts], data[4:])) == args

    def _event(self, address: str, topics: list[bytes], data: bytes) -> tuple[str, str, tuple[Any, ...]]:
        emitter = self._at[address.lower()]
        name, abi = self._kinds[emitter, bytes(topics[0])]
        values: list[Any] = [None] * (len(topics) - 1 + len(abi.plain.parts))
        for at, number in abi.places(indexed=True):
            (values[at],) = Abi.decode([abi.topics[number].kind], topics[number + 1])
        plain = Abi.decode([part.kind for part in abi.plain.parts], data)
        for at, number in abi.places(indexed=False):
            values[at] = plain[number]
        return emitter, name, _plain(values)
