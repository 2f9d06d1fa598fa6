"""Any attention map, or any other local value, out of any deep-learning model without editing it.

Importing this package loads neither torch, numpy nor matplotlib.
"""

from __future__ import annotations
