"""Contracts of local chains (``contracts/mocks``)."""
