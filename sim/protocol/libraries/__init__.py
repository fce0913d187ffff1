"""Pure functions of the protocol (``contracts/libraries``)."""
