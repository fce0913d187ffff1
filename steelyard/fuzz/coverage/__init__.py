"""Which lines and branches of the contracts the traces of a corpus execute."""
