"""The Scrapy project: one small spider a source that holds only site knowledge; all shared parts stand beside them."""
