"""Tests of the exact model by itself."""
