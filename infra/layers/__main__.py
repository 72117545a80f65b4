"""``python -m infra.layers [--arch ARCH] [--layer NAME]`` builds layers and tells what weighs in them."""

from __future__ import annotations

import argparse
import sys

from infra.layers.build import build
from infra.layers.errors import LayerError
from infra.layers.recipe import recipes
from infra.layers.report import report
from infra.layers.target import ARCHITECTURES, Target


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when the layers are there."""
    names = [one.name for one in recipes()]
    parser = argparse.ArgumentParser(prog="python -m infra.layers", description="Build the layers of the functions.")
    parser.add_argument("--arch", choices=ARCHITECTURES, action="append", help="default: both")
    parser.add_argument("--layer", choices=names, action="append", help="default: all")
    said = parser.parse_args(arguments)
    try:
        for architecture in said.arch or ARCHITECTURES:
            for name in said.layer or names:
                print(report(name, architecture, build(name, Target(architecture))))
    except LayerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
