"""`scrapy crawl` with one clear line for a wrong call, a summary, and an exit status that tells the truth."""
