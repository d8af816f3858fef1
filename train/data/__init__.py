"""Which rows of the dataset may be trained on, in which order their blocks come, and how their text becomes tokens."""
