"""Prints the customers whose stacks lie in AWS, as a JSON list for a job's matrix."""

from __future__ import annotations

import json

from infra.customer import names

#: Its stack lies on the emulator.
LAPTOP = "laptop"

if __name__ == "__main__":
    print(json.dumps([name for name in names() if name != LAPTOP]))
