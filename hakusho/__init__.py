"""The face of Hakusho: the `hakusho` command, its reports, and the embedded miniature of the five sources."""
