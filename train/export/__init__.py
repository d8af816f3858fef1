"""The command `python -m train.export`: a run as one plain model, as a GGUF with Modelfile, on the hub."""
