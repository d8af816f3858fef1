"""The command `python -m train.ablate`: variants of adapters compared at equal tokens."""
