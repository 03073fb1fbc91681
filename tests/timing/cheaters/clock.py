"""Stops its own clocks, sends invented times along, and sleeps instead of working."""

from __future__ import annotations

import json
import sys
import time

from trade import requests, write

sleep = time.sleep
for name in ("time", "monotonic", "perf_counter", "process_time"):
    setattr(time, name, lambda: 0.0)
    setattr(time, f"{name}_ns", lambda: 0)
sys.setswitchinterval(1.0)
for _, identifier, text in requests():
    sleep(0.004)
    facts = {"id": identifier, "output": text.upper(), "sent": 0, "received": 1, "latency_ns": 1}
    write(json.dumps(facts) + "\n")
