"""Where systems run, one file each."""
