"""Any local of any Python function, without editing it. It stands alone: no framework, no other part.

`targets` finds the function beneath what a user points at, `sites` names places in it, `codes` makes code
objects with hooks there (by `source`, `bindings`, `syntax` and `expressions` from the syntax tree, by
`stores` from bytecode, by `edges` for where calls begin and end), `switch` swaps them in and out, `taps`
follows calls, `records` is `watch`.
"""

from __future__ import annotations

from visualizer.instrument.records import Record, Watch, watch

__all__ = ["Record", "Watch", "watch"]
