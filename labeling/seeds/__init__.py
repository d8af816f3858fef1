"""The classifier's training passages, all written for this project; nsfw ones are notices, never the thing itself."""
