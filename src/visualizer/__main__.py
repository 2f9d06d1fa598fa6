"""``python -m visualizer`` is ``visualizer``."""

from visualizer.cli import main

main()
