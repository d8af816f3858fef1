"""Base models: found on this machine, loaded whole or in 4 bits, given adapters, saved and read back."""
