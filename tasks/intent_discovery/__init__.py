"""Intent discovery: whether a system puts utterances of one intent into one cluster."""
