// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FundingState, Side} from "../types/Market.sol";

/// @notice Reads and writes packed structs with one SLOAD or SSTORE each.
/// @dev The compiler's own copies touch a slot once per field. The layouts are those of `types/Market.sol`,
/// lowest bits first; `test_slots__layout__matches_the_compiler` compares them with the compiler's.
library Slots {
    function load(Side storage slot) internal view returns (Side memory side) {
        uint256 word;
        assembly ("memory-safe") {
            word := sload(slot.slot)
        }
        side.shares = uint96(word);
        side.index = int96(uint96(word >> 96));
        side.multiplier = uint56(word >> 192);
    }

    function store(Side storage slot, Side memory side) internal {
        uint256 word = uint256(side.shares) | (uint256(uint96(side.index)) << 96) | (uint256(side.multiplier) << 192);
        assembly ("memory-safe") {
            sstore(slot.slot, word)
        }
    }

    function load(FundingState storage slot) internal view returns (FundingState memory funding) {
        uint256 word;
        assembly ("memory-safe") {
            word := sload(slot.slot)
        }
        funding.entrySum = int128(uint128(word));
        funding.rate = int48(uint48(word >> 128));
        funding.velocity = int32(uint32(word >> 176));
        funding.accruedAt = uint32(word >> 208);
        funding.maxRate = uint16(word >> 240);
    }

    function store(FundingState storage slot, FundingState memory funding) internal {
        uint256 word = uint256(uint128(funding.entrySum)) | (uint256(uint48(funding.rate)) << 128)
            | (uint256(uint32(funding.velocity)) << 176) | (uint256(funding.accruedAt) << 208)
            | (uint256(funding.maxRate) << 240);
        assembly ("memory-safe") {
            sstore(slot.slot, word)
        }
    }
}
