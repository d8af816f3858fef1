"""The training loop: objectives and losses, the optimiser step, the schedule, and what is looked at on the way."""
