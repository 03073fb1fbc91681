"""Text normalisation: whether a system says written tokens as a person would read them aloud."""
