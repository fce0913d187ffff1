// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Messages signed off chain (EIP-712), by accounts or by contracts (EIP-1271), each good once.
/// @notice Nonces have no order: any that was not used is good, and any can be cancelled, 256 at a time.
interface ISignedMessages {
    /// @notice The signer has used or cancelled this nonce.
    error NonceUsed(address signer, uint256 nonce);
    /// @notice Somebody else than `signer` signed, or another message.
    error SignatureInvalid(address signer);

    /// @notice A message of the signer was used, and its nonce with it.
    event NonceSpent(address indexed signer, uint256 indexed nonce);
    /// @notice The nonces `word * 256 + i` of each bit i of `mask` were cancelled.
    event NoncesCancelled(address indexed signer, uint256 indexed word, uint256 mask);

    /// @notice Cancels nonces of the caller, used ones too: `word * 256 + i` for each bit i of `mask`.
    function cancelNonces(uint256 word, uint256 mask) external;

    /// @notice Whether a nonce was used or cancelled.
    function isNonceUsed(address signer, uint256 nonce) external view returns (bool);
}
