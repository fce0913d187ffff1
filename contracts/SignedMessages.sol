// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {ISignedMessages} from "./interfaces/ISignedMessages.sol";

/// @title Signed messages and their nonces; see ISignedMessages.
abstract contract SignedMessages is ISignedMessages, EIP712 {
    using BitMaps for BitMaps.BitMap;

    mapping(address signer => BitMaps.BitMap) private _nonces;

    /// @inheritdoc ISignedMessages
    function cancelNonces(uint256 word, uint256 mask) public virtual {
        _nonces[msg.sender]._data[word] |= mask;
        emit NoncesCancelled(msg.sender, word, mask);
    }

    /// @inheritdoc ISignedMessages
    function isNonceUsed(address signer, uint256 nonce) public view returns (bool) {
        return _nonces[signer].get(nonce);
    }

    /// @dev Checks who signed a message, and uses its nonce up.
    function _useSigned(bytes32 structHash, uint256 nonce, address signer, bytes calldata signature) internal {
        if (isNonceUsed(signer, nonce)) revert NonceUsed(signer, nonce);
        _nonces[signer].set(nonce);
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, _hashTypedData(structHash), signature)) {
            revert SignatureInvalid(signer);
        }
        emit NonceSpent(signer, nonce);
    }
}
