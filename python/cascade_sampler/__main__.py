"""``python -m cascade_sampler`` is the command ``cascade-sampler``."""

from cascade_sampler._command.main import main

if __name__ == "__main__":
    main()
