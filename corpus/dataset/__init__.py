"""The end of the corpus's way: gates, splits, shards in the Hugging Face layout, the data card, attribution, verify."""
