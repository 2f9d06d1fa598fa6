"""Models whose weights are random, with maps that are far from uniform."""


def sharpened(model, names, by):
    """The model, for evaluation, with parameters of these names, of queries and keys, multiplied."""
    for name, parameter in model.named_parameters():
        if any(part in name for part in names):
            parameter.data *= by
    return model.eval()
