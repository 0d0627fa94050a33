"""``python -m aliquot``."""

import sys

from aliquot.cli import main

sys.exit(main())
