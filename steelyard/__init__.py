"""Off-chain tooling of the Steelyard perpetuals protocol: typed client, keeper, risk engine, command line."""

__version__ = "0.1.0"
__all__ = ["__version__"]
