"""The stages in order, one file per job; `recommend.py` and `train.py` are where to start."""
