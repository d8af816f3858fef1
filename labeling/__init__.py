"""Verdicts, domains and the policy behind them: what a text is, and whether it may be trained on."""
