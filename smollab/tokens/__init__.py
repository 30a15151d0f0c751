"""From documents to batches: the tokenizer, shards of tokens on disk, and the mixture a stage reads."""
