"""Pure functions from tables to named columns: the same offline and online."""
