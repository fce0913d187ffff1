"""Commands about `sim.studies`: what they print, draw, and write into parameter files."""
