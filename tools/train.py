"""``python tools/train.py CONFIG ...`` is ``vidkit train CONFIG ...``, as torchrun and srun start it."""

from __future__ import annotations

import sys

from vidkit.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    main()
