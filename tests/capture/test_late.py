"""torch's compiler is imported by those who use it, also if that is while a recording is on."""

import subprocess
import sys

import pytest

BEGIN = """
import sys, torch, visualizer
layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(1, 5, 8)
call = lambda: layer(x, x, x, need_weights=False)[0]
expected = call()
"""

NOTHING_ELSE = """
with visualizer.capture(layer) as run:
    call()
assert len(run) == 1
assert "torch._dynamo" not in sys.modules
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("visualizer")]
"""

COMPILED_WITHIN = """
with visualizer.capture(layer) as run:
    assert "torch._dynamo" not in sys.modules
    compiled = torch.compile(layer, backend="eager")
    assert torch.equal(compiled(x, x, x, need_weights=False)[0], expected)
    assert torch._dynamo.eval_frame._stance.stance == "force_eager"
assert len(run) == 1
assert torch._dynamo.eval_frame._stance.stance == "default"
"""

FLEX_WITHIN = """
class Flex(torch.nn.Module):
    def forward(self, q):
        from torch.nn.attention.flex_attention import flex_attention
        return flex_attention(q, q, q)

with visualizer.capture(Flex()) as run:
    pass
model, q = Flex(), torch.randn(1, 2, 16, 16)
with visualizer.capture(model) as run:
    assert "torch.nn.attention.flex_attention" not in sys.modules
    model(q)
assert [call.how for call in run] == ["flex_attention"]
flex = sys.modules["torch.nn.attention.flex_attention"].flex_attention
assert flex.__code__.co_name == "flex_attention"
assert "exec_module" not in vars(sys.modules[flex.__module__].__loader__)
"""


@pytest.mark.parametrize("script", [NOTHING_ELSE, COMPILED_WITHIN, FLEX_WITHIN])
def test_a_process_that_imports_the_compiler_late_or_never(script):
    command = [sys.executable, "-W", "ignore", "-c", BEGIN + script]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not result.returncode, result.stderr
