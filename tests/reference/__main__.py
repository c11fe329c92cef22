"""Build the API reference: ``python -m tests.reference build/docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.reference.build import build

if __name__ == "__main__":
    target = Path(sys.argv[1])
    build(target)
    print(f"The reference is in {target / 'index.html'}")
