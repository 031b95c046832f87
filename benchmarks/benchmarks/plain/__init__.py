"""The yardstick: the same order, written the way FastAPI and SQLAlchemy's tutorials do it. Nothing else uses it."""
