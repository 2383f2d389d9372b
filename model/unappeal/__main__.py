"""``python -m unappeal``: the command line."""

import sys

from unappeal.cli import main

if __name__ == "__main__":
    sys.exit(main())
