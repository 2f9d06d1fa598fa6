"""Any sequence of asking, switching, calling and clearing leaves what a few lines of Python predict."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from visualizer import classic
from visualizer.cache import Cache
from visualizer.classic import get_local
from visualizer.recordings import Recordings

NAMES = {"x": lambda x: x, "a": lambda x: x + 1, "return:": lambda x: 2 * (x + 1)}


def make(key):
    space = {}
    exec(f"def {key}(x):\n    a = x + 1\n    return 2 * a\n", space)
    return space[key]


class Sequences(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.before = classic._cache, classic._recordings
        classic._cache = Cache()
        classic._recordings = Recordings(classic._cache)
        self.functions = [make("f"), make("f"), make("g")]
        self.codes = [function.__code__ for function in self.functions]
        self.asked = [{}, {}, {}]
        self.active = False
        self.expected = {}

    def teardown(self):
        get_local.deactivate()
        classic._cache, classic._recordings = self.before

    @rule(which=st.integers(0, 2), names=st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=3))
    def ask(self, which, names):
        function, asked = self.functions[which], self.asked[which]
        assert get_local(*names)(function) is function
        for name in names:
            asked.setdefault(name, f"{function.__name__}.{name}" if asked else function.__name__)
        self.open_keys(asked[name] for name in names)

    @rule(on=st.booleans(), by_flag=st.booleans())
    def switch(self, on, by_flag):
        changes = on != self.active or not by_flag  # the flag set to what it is does nothing
        if by_flag:
            get_local.is_activate = on
        else:
            (get_local.activate if on else get_local.deactivate)()
        self.active = on
        self.open_keys(key for asked in self.asked if changes for key in asked.values())

    @rule(which=st.integers(0, 2), x=st.integers())
    def call(self, which, x):
        assert self.functions[which](x) == 2 * (x + 1)
        for name, key in self.asked[which].items() if self.active else ():
            self.expected.setdefault(key, []).append(NAMES[name](x))

    @rule()
    def clear(self):
        get_local.clear()
        self.expected = {key: [] for key in self.expected}

    @rule()
    def replace(self):
        get_local.cache = {}
        self.expected = {}

    def open_keys(self, keys):
        """While active, there is a list for what is asked for."""
        for key in keys if self.active else ():
            self.expected.setdefault(key, [])

    @invariant()
    def the_cache_is_as_predicted(self):
        assert get_local.cache == self.expected

    @invariant()
    def code_is_changed_only_where_something_is_recorded(self):
        for function, code, asked in zip(self.functions, self.codes, self.asked):
            assert (function.__code__ is code) == (not (self.active and asked))


TestSequences = Sequences.TestCase
