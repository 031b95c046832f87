"""Strangling the monolith, one module at a time, reversibly: transform, co-exist, eliminate."""
