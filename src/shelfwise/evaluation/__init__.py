"""How good answers are: splits, metrics, intervals, reports; pure functions that run no model."""
