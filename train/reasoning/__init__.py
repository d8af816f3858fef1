"""Reasoning layers behind the base's last one, and the modelling code that an export with them carries."""
