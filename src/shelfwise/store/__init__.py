"""Everything kept on disk; knows nothing about models."""
