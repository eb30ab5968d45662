"""``python tools/extract_features.py VIDEOS ...`` is ``vidkit extract VIDEOS ...``."""

from __future__ import annotations

import sys

from vidkit.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "extract")
    main()
