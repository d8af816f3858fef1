"""Everything between fetched bytes and a curated dataset; see docs/architecture.md for the folders."""
