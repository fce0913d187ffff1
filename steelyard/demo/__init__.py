"""The demonstration: real price history drives a perpetuals exchange on a local chain."""
