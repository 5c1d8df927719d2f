"""python -m spot_optimizer.cli"""

import sys

from spot_optimizer.cli import main

if __name__ == "__main__":
    sys.exit(main())
