"""What a character is: normalisation, folding for comparison, script classes, language."""
