"""``python tools/test.py CONFIG CHECKPOINT ...`` is ``vidkit test CONFIG CHECKPOINT ...``."""

from __future__ import annotations

import sys

from vidkit.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "test")
    main()
