"""What a guest keeps to: each module one concern between the engine and the site, as Scrapy downloader middlewares."""
