"""What the workspace says about itself: SQL checks and reports on one page, and the story of one document."""
