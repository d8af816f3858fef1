"""SO(8) gates: the algebra of so(8), the gates behind a model's Linears, how far they are open, and merging them."""
