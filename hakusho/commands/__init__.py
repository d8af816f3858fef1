"""One module a verb; each holds one click command named `command`, loaded when it is called."""
