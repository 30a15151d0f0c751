"""Pillar 2: the SmolLM3 architecture, in plain PyTorch, equal to the Hugging Face model number for number."""
