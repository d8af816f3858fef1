"""One module a source; each reads as a description of its site."""
