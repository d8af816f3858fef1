"""Rules as data: see labeling.ruleset for the fields of a rule file."""
