"""``python -m infra.layers [--record]`` builds all layers for both processors and tells what weighs in them."""

from __future__ import annotations

import argparse
import sys

from infra.layers.build import build
from infra.layers.errors import LayerError
from infra.layers.recipe import recipes
from infra.layers.report import report
from infra.layers.sizes import growth, record
from infra.layers.target import ARCHITECTURES, Target


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when the layers are there and none has outgrown its record."""
    parser = argparse.ArgumentParser(prog="python -m infra.layers", description="Build the layers of the functions.")
    parser.add_argument("--record", action="store_true", help="accept the sizes as they are, in layers/sizes.json")
    said = parser.parse_args(arguments)
    try:
        archives = {
            (one.name, architecture): build(one.name, Target(architecture))
            for architecture in ARCHITECTURES
            for one in recipes()
        }
    except LayerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for (name, architecture), archive in archives.items():
        print(report(name, architecture, archive))
    if said.record:
        record(archives)
    grown = [told for (name, architecture), path in archives.items() if (told := growth(name, architecture, path))]
    print("\n".join(grown), file=sys.stderr, end="\n" if grown else "")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
