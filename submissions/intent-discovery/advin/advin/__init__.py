"""ADVIN: find intents that nobody told, and domains above them, from a few labelled utterances of known intents.

`encoders` make vectors, `detector` says what is known (stage 1), `transfer` learns from labelled pairs, `threshold`
and `clustering` find the new intents (stage 2), `domains` does the same one level up (stage 3), `pipeline` puts
them together. `baselines` are the systems to beat; `serve` speaks the protocol.
"""
