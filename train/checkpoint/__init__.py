"""Checkpoints: when they are saved, what is in them, and how a run goes on from one."""
