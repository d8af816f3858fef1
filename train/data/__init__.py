"""Which rows of the dataset may be trained on, and in which order their blocks come."""
