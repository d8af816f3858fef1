"""The training loop: objectives and losses, the optimiser step, the schedule, what is looked at and what came of it."""
