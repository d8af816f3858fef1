"""The raw archive: every answer as it came, in WARC 1.1 files below raw/<source>/.

`writer` appends, `reader` finds and reads records and cuts torn tails off, `middleware` stands next to the download
handler, `replay` makes documents out of the archive without the network.
"""
