"""Messages signed off chain, each good once (``SignedMessages.sol``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from coincurve import PublicKey

from sim.protocol import abi
from sim.protocol.errors import NonceUsed, SignatureInvalid
from sim.protocol.evm import Address, Contract, external, view
from sim.protocol.keccak import keccak256
from sim.protocol.mocks.local_wallet import LocalWallet

if TYPE_CHECKING:
    from sim.protocol.world import World

__all__ = ["SignedMessages", "recover"]

_DOMAIN: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_DOMAIN_TYPE: Final = abi.parse_tuple("(bytes32,bytes32,bytes32,uint256,address)")
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_SIGNATURE_BYTES: Final = 65
_FIELDS: Final = "0x0f"
"""Of ERC-5267: name, version, chain and contract, no salt, no extensions."""


def recover(digest: bytes, signature: bytes) -> Address | None:
    """Return who signed a digest, None where nobody can have (OpenZeppelin ``ECDSA.sol::tryRecover``).

    Signatures have 65 bytes, the second half in the lower half of the curve's order, and end with 27 or 28.
    """
    if len(signature) != _SIGNATURE_BYTES or signature[64] not in (27, 28):
        return None
    if int.from_bytes(signature[32:64], "big") > _ORDER // 2:
        return None
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + bytes([signature[64] - 27]), digest, hasher=None)
    except Exception:  # the library tells what is no point of the curve by exceptions of several kinds
        return None
    return Address("0x" + keccak256(key.format(compressed=False)[1:])[12:].hex())


class SignedMessages(Contract):
    """Nonces and the domain of signatures.

    Parameters
    ----------
    world, name, address
        As for `Contract`.

    Attributes
    ----------
    DOMAIN : tuple of str and str
        Name and version of what is signed (EIP-712).
    """

    DOMAIN: ClassVar[tuple[str, str]]

    def __init__(self, world: World, name: str, address: Address) -> None:
        super().__init__(world, name, address)
        self._nonces: dict[tuple[str, int], int] = {}

    @external("cancelNonces(uint256,uint256)")
    def cancel_nonces(self, sender: Address, word: int, mask: int) -> None:
        """Cancel nonces of the caller (``SignedMessages.sol::cancelNonces``)."""
        self._put(self._nonces, (sender, word), self._nonces.get((sender, word), 0) | mask)
        self.emit("NoncesCancelled", sender, word, mask)

    @view("isNonceUsed(address,uint256) -> (bool)")
    def is_nonce_used(self, signer: str, nonce: int) -> bool:
        """Return whether a nonce was used or cancelled."""
        return bool(self._nonces.get((signer, nonce >> 8), 0) >> (nonce & 0xFF) & 1)

    @view("eip712Domain() -> (bytes1,string,string,uint256,address,bytes32,uint256[])")
    def eip712_domain(self) -> tuple[Any, ...]:
        """Return the domain that messages are signed for (ERC-5267)."""
        return _FIELDS, *self.DOMAIN, self.world.chain_id, self.address, "0x" + "00" * 32, ()

    def stored_nonces(self) -> dict[tuple[str, int], int]:
        """Return the used nonces by signer and word; not to be changed."""
        return self._nonces

    def digest(self, struct_hash: bytes) -> bytes:
        """Return what is signed of a message (EIP-712)."""
        separator = keccak256(
            _DOMAIN_TYPE.encode(
                (
                    "0x" + _DOMAIN.hex(),
                    *["0x" + keccak256(part.encode()).hex() for part in self.DOMAIN],
                    self.world.chain_id,
                    self.address,
                )
            )
        )
        return keccak256(b"\x19\x01" + separator + struct_hash)

    def _use_signed(self, struct_hash: bytes, nonce: int, signer: str, signature: bytes) -> None:
        """Check who signed a message, and use its nonce up (``SignedMessages.sol::_useSigned``).

        Raises
        ------
        NonceUsed, SignatureInvalid
            As named.
        """
        if self.is_nonce_used(signer, nonce):
            raise NonceUsed(signer, nonce)
        key = signer, nonce >> 8
        self._put(self._nonces, key, self._nonces.get(key, 0) | 1 << (nonce & 0xFF))
        digest = self.digest(struct_hash)
        contract = self.world.contract_at(signer)
        if isinstance(contract, LocalWallet):
            is_valid = contract.approves("0x" + digest.hex())
        else:
            is_valid = contract is None and recover(digest, signature) == signer
        if not is_valid:
            raise SignatureInvalid(signer)
        self.emit("NonceSpent", signer, nonce)
