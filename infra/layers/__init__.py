"""The layers that functions carry: their dependencies, in a few parts, and our own package.

Each folder of ``layers/`` holds a recipe: which packages of the lock file go in, what of them is left out and why.
``make layer`` builds them all and tells what weighs.
"""
