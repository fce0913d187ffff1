"""What a provider of liquidity sees and does."""
