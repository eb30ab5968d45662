"""``python -m vidkit``: the command line, as ``torchrun -m vidkit`` needs it."""

from vidkit.cli import main

if __name__ == "__main__":
    main()
