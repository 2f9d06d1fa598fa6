"""One recording of whatever models run meanwhile: each is adopted as it is first called."""

from __future__ import annotations

import os
from types import FrameType
from typing import Any

from torch._guards import detect_fake_mode

from visualizer.errors import OptionError
from visualizer.listening import Listener, tapped
from visualizer.options import Options
from visualizer.recorders.adopting import Adopted, is_model
from visualizer.recorders.installation import INSTALLATION
from visualizer.recorders.outermost import ANY_CALL, Outermost


class ListenerToAll(Listener):
    """Hears the calls of every model that is called while it is open; keeps none of them alive.

    A model's call that no other module's call is around is a step.

    Raises
    ------
    OptionError
        If an option needs to know the model before.
    """

    def __init__(self, options: Options) -> None:
        for option in ("locals", "gradients"):
            if getattr(options, option):
                raise OptionError(f"{option}= was asked for, but of no model: give capture the model")
        self._adopted = Adopted()
        self._calls = self._size = 0
        self._process = os.getpid()
        super().__init__(None, self._adopted.modules, self._adopted.paths, options)

    def _counting_steps(self) -> Any:
        return tapped(ANY_CALL, Outermost(self._meet))

    def _started(self) -> int:
        return self._calls

    def _means(self, module: int | None) -> bool:
        return module is not None  # it may be no more

    def _meet(self, module: Any, frame: FrameType) -> None:
        if os.getpid() != self._process:  # a worker of a data loader, say: what it hears would be lost
            return
        try:
            self._calls += 1
            if id(module) not in self._modules:
                self._filling.begin_modules(self._adopted.adopt(module, frame))
            self._keep_up()
            if is_model(module):
                self._filling.begin_forward(frame)
            if detect_fake_mode() is not None:
                self._traced()
        except Exception as error:  # noqa: BLE001  # the model must go on
            self.failed(error)

    def _keep_up(self) -> None:
        """Have the recorders know whose parameters are where, when models have come or gone."""
        if self._size != len(self._modules):
            self._size = len(self._modules)
            self._adopted.forget_dead()
            INSTALLATION.collect()
