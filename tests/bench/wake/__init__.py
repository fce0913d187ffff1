"""The fuzzer beside eth-wake's own: the same contracts, model, moves and checks."""
