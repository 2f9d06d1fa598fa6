"""What `make zoo` asks of the library: every map of a model, where it was made, in order of execution."""

import visualizer as viz


def capture(model, run):
    with viz.capture(model) as recorded:
        run()
    return [(call.path, call.map.numpy()) for call in recorded.calls()]
