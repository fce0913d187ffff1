"""Measurements on a local chain."""
