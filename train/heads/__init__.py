"""Heads for safety, domain and plausibility: the model, its labelled texts, losses, calibration and files."""
