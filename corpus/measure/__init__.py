"""What a text is like: quality measures as numbers, personal data and secrets as spans."""
