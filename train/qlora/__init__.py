"""The command `python -m train.qlora`: a QLoRA run from its configuration to its files; what it would take."""
