"""Local ape plugin: ape imports it at start, so that plain `ape compile` finds the compiler and anvil."""

from steelyard.toolchain import prepare

prepare()
