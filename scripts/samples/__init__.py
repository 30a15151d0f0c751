"""The parts of `build_data_samples.py` and `build_corpus.py`, one kind of sample per module."""
