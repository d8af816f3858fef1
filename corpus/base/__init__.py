"""The ground floor: errors, configuration, paths, progress, durable commits, manifest, ledger, shards, executor."""
