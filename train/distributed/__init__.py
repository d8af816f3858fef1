"""Several processes or GPUs that share each step."""
