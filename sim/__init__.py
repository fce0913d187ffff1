"""Models of the protocol that know nothing of the chain: exact twin, fast engine, data and studies."""
