"""The trader's part of the command line: one module a group."""
