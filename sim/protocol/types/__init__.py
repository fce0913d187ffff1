"""Value types and structs (``contracts/types``)."""
