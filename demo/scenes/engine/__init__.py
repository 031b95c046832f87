"""What a scene is, what it acts with, and what comes of it."""
