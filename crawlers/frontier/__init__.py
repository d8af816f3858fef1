"""The frontier: what a harvest still has to ask, in SQLite beside the manifest, so that no kill and no cut loses it.

`store` is the tables, `requests` the written form of a request, `tickets` follow a request until all that came of it is
booked, `queue` is what Scrapy's engine is served from, `scheduler` the part that it knows.
"""
