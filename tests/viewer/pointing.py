"""Where on the page something lies."""


def cell_of_matrix(canvas, query, key, count):
    """The middle of a cell of a head's whole matrix, which is square, from the canvas's corner."""
    box = canvas.bounding_box()
    left, top = map(float, canvas.get_attribute("data-edges").split())
    x = left + (key + 0.5) * (box["width"] - left) / count
    return {"x": x, "y": top + (query + 0.5) * (box["height"] - top) / count}
