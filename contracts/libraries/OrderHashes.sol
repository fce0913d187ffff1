// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Order, Terms} from "../types/Order.sol";

/// @notice Hashes of orders, as EIP-712 defines them: what is stored and what is signed.
library OrderHashes {
    /// @dev Each type is written out where it is used: the compiler hashes literals only, a named string at each call.
    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(uint256 account,uint8 market,uint8 slot,uint40 expiresAt,int128 sizeDelta,uint128 acceptablePrice,uint96 keeperFee,bool reduceOnly)"
    );
    bytes32 private constant TERMS_TYPEHASH = keccak256(
        "Terms(uint8 kind,uint96 triggerPrice,uint96 stopPrice,uint96 targetPrice,uint32 distance,uint16 slices,uint32 interval)"
    );
    bytes32 private constant SIGNED_ORDER_TYPEHASH = keccak256(
        "SignedOrder(Order order,address signer,uint256 nonce)"
        "Order(uint256 account,uint8 market,uint8 slot,uint40 expiresAt,int128 sizeDelta,uint128 acceptablePrice,uint96 keeperFee,bool reduceOnly)"
    );
    bytes32 private constant SIGNED_PLACED_ORDER_TYPEHASH = keccak256(
        "SignedPlacedOrder(Order order,Terms terms,address signer,uint256 nonce)"
        "Order(uint256 account,uint8 market,uint8 slot,uint40 expiresAt,int128 sizeDelta,uint128 acceptablePrice,uint96 keeperFee,bool reduceOnly)"
        "Terms(uint8 kind,uint96 triggerPrice,uint96 stopPrice,uint96 targetPrice,uint32 distance,uint16 slices,uint32 interval)"
    );

    /// @notice Hash of an order.
    /// @dev As `abi.encode` of its fields would be hashed, without reading each: one with bits beyond a field's type has
    /// a hash that no order has.
    function hash(Order calldata order) internal pure returns (bytes32 result) {
        bytes32 typehash = ORDER_TYPEHASH;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typehash)
            calldatacopy(add(data, 0x20), order, 0x100)
            result := keccak256(data, 0x120)
        }
    }

    /// @notice Hash of terms.
    /// @dev As that of an order.
    function hash(Terms calldata terms) internal pure returns (bytes32 result) {
        bytes32 typehash = TERMS_TYPEHASH;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typehash)
            calldatacopy(add(data, 0x20), terms, 0xe0)
            result := keccak256(data, 0x100)
        }
    }

    /// @notice Hash of an order that rests.
    function hash(Order calldata order, Terms calldata terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(hash(order), hash(terms)));
    }

    /// @notice What is signed for an order. It names the signer, whose the nonce is: no other is taken for one by it.
    function hashSigned(Order calldata order, address signer, uint256 nonce) internal pure returns (bytes32) {
        return keccak256(abi.encode(SIGNED_ORDER_TYPEHASH, hash(order), signer, nonce));
    }

    /// @notice What is signed for an order that rests.
    function hashSigned(Order calldata order, Terms calldata terms, address signer, uint256 nonce)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SIGNED_PLACED_ORDER_TYPEHASH, hash(order), hash(terms), signer, nonce));
    }
}
