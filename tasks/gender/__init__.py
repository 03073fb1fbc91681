"""Gender in translation: whether a system gives people the gender that the text tells."""
