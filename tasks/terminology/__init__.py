"""Terminology translation: whether a system uses the terms that it was given."""
