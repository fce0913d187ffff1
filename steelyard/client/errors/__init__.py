"""What can go wrong between a trader and the contracts.

Exceptions
----------
ChainError
    ├── RpcUnreachable
    ├── RpcRejected
    ├── ContractReverted
    │   └── one for each custom error of the contracts: MarginInsufficient, OrderPending, ...
    └── TransactionFailed
ClientError
    ├── AmountInvalid
    ├── AccountInvalid
    ├── AddressInvalid
    ├── MarketUnlisted
    ├── MintForbidden
    ├── OrderInvalid
    ├── PermitInvalid
    ├── PositionNone
    ├── SignerInvalid
    ├── SignerMissing
    ├── SlotsExhausted
    ├── DeploymentMistaken
    ├── DocumentInvalid
    └── WaitTimeout
"""

from steelyard.client.errors import base, contracts, usage
from steelyard.client.errors.base import *  # noqa: F403
from steelyard.client.errors.contracts import *  # noqa: F403
from steelyard.client.errors.usage import *  # noqa: F403

__all__ = [*base.__all__, *contracts.__all__, *usage.__all__]
