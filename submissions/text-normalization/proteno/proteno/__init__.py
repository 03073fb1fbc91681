"""Proteno: text normalization as the choice, for each token, among classes that accept it."""
