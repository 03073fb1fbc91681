"""The command line: one file per verb, and `app` which turns errors into text and exit codes."""
