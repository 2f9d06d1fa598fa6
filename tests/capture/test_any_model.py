"""A recording of whatever models run: each is known from its first call on, and outputs are its own."""

import gc
import threading
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional

import visualizer


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(Attention(), Attention())
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))

    def encode(self, x):
        return self.encoder[1](self.encoder[0](x))

    def encode_last(self, x):
        return self.encoder[-1](x)


class Method(nn.Module):
    """Holds its part in a plain list, as torch does not see it."""

    def __init__(self):
        super().__init__()
        self.parts, self.scale = [Attention()], nn.Linear(8, 8)

    def run(self, x):
        return self.scale(self.parts[0](x))


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(2, 5, 8)


ALONE = ["encoder.0", "encoder.1"]


def test_the_paths_of_the_first_model_are_those_it_has_alone_and_its_calls_are_the_steps(x):
    net = Net()
    with torch.no_grad(), visualizer.capture() as run:
        net(x), net(x)
    with torch.no_grad(), visualizer.capture(net) as expected:
        net(x), net(x)
    assert [(call.path, call.number, call.step) for call in run] == [
        (call.path, call.number, call.step) for call in expected
    ]
    for one, other in zip(run, expected, strict=True):
        assert (one.map.numpy() == other.map.numpy()).all()
    assert run.checks.largest < 1e-5


def test_a_loss_is_no_step_of_a_training_loop_and_training_is_its_own_to_the_last_bit(x):
    def train():
        torch.manual_seed(1)
        net, loss = Net(), nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss(net(x), torch.tensor([0, 2])).backward()
            optimizer.step()
        return net.state_dict()

    with visualizer.capture(modules="encoder.0") as run:
        trained = train()
    assert [(call.path, call.step) for call in run] == [("encoder.0", step) for step in range(3)]
    for name, held in train().items():
        assert torch.equal(held, trained[name])


def test_other_models_bear_their_class_before_their_paths(x):
    with torch.no_grad(), visualizer.capture() as run:
        for net in [Net(), Net(), nn.Sequential(Attention()), Net()]:
            net(x)
    assert run.paths == [
        *ALONE,
        "Net.encoder.0",
        "Net.encoder.1",
        "Sequential.0",
        "Net2.encoder.0",
        "Net2.encoder.1",
    ]


def test_a_part_that_was_called_first_by_itself_keeps_its_path(x):
    net = Net()
    with torch.no_grad(), visualizer.capture() as run:
        net.encoder(x)
        net(x)
    assert [call.path for call in run] == ["0", "1", "0", "1"]
    assert [call.number for call in run] == [0, 0, 1, 1]


def test_a_model_that_another_method_runs_is_known_as_a_whole(x):
    net = Net()
    with torch.no_grad(), visualizer.capture() as run:
        net.encode(x)
    assert run.paths == ALONE


def test_a_module_that_its_owner_hides_from_torch_is_a_model_of_its_own(x):
    with torch.no_grad(), visualizer.capture() as run:
        Method().run(x)
    assert run.paths == ["Attention"]


def test_modules_that_a_known_model_gets_later_have_paths_within_it(x):
    net = Net()
    with torch.no_grad(), visualizer.capture() as run:
        net(x)
        net.encoder.append(Attention())
        net.encode_last(x)
    assert run.paths == [*ALONE, "encoder.2"]


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch.compile's own
def test_wrappers_names_are_left_out(x):
    with torch.no_grad(), visualizer.capture() as run:
        nn.DataParallel(Net())(x)
        torch.compile(Net())(x)
    assert run.paths == [*ALONE, "Net.encoder.0", "Net.encoder.1"]


@pytest.mark.filterwarnings("ignore:.torch.jit", "ignore::torch.jit.TracerWarning")
def test_a_model_compiled_in_place_and_a_scripted_one_are_recorded(x):
    net, traced = Net(), torch.jit.trace(Attention(), x)
    net.compile()
    with torch.no_grad(), visualizer.capture() as run:
        net(x)
        traced(x)
    assert run.paths[:2] == ALONE
    assert len(run) == 3


def test_no_model_is_kept_alive_and_models_in_its_place_are_not_taken_for_it(x):
    with torch.no_grad(), visualizer.capture() as run:
        for _ in range(20):
            net = Net()
            net(x)
            gone = weakref.ref(net)
            del net
            gc.collect()
            assert gone() is None
    assert len(run.paths) == 40
    assert {call.number for call in run} == {0}
    assert run.checks.largest < 1e-5


def test_models_on_several_threads_are_recorded(x):
    nets = [Net() for _ in range(8)]

    def work(net):
        with torch.no_grad():
            for _ in range(5):
                net(x)

    threads = [threading.Thread(target=work, args=[net]) for net in nets]
    with visualizer.capture() as run:
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert len(run) == 80
    assert sorted({path.partition("encoder")[0] for path in run.paths}) == [
        "",
        "Net.",
        *(f"Net{n}." for n in range(2, 8)),
    ]


class Rows(torch.utils.data.Dataset):
    """Each row has been through a module, as the transforms of torchvision are."""

    def __init__(self):
        self.transform = nn.Sequential(nn.Linear(8, 8), Attention())

    def __len__(self):
        return 4

    def __getitem__(self, index):
        with torch.no_grad():
            return self.transform(torch.ones(1, 5, 8))[0]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than processors
def test_workers_of_a_data_loader_go_on_unseen():
    net, rows = Net(), Rows()
    with torch.no_grad(), visualizer.capture() as run:
        for batch in torch.utils.data.DataLoader(rows, 2, num_workers=2):
            net(batch)
    assert run.paths == ALONE
    assert len(run) == 4


def test_parameters_of_a_model_are_known_for_what_they_are(x):
    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.choose, self.table = nn.Linear(8, 6), nn.Linear(8, 6)

        def forward(self, x):
            return self.choose(x).softmax(-1) @ self.table.weight

    with torch.no_grad(), visualizer.capture() as run:
        Table()(x)
    assert "routers, gates, classifiers and losses are no attention" in run.why_empty()


def test_a_recording_begins_within_a_model_and_after_a_stop(x):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def forward(self, x):
            with visualizer.capture() as run:
                self.net(x)
            return run

    with torch.no_grad():
        assert Outer()(x).paths == ["net.encoder.0", "net.encoder.1"]
        net, session = Net(), visualizer.capture()
        for _ in range(2):
            run = session.start()
            net(x)
            session.stop()
            net(x)
    assert [call.number for call in run] == [0, 0, 1, 1]


def test_afterwards_everything_is_as_it_was(x):
    code = nn.Module.__call__.__code__

    class Failing(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"), visualizer.capture() as run:
        Failing()(x)
    assert nn.Module.__call__.__code__ is code
    assert run.why_empty() == "a ValueError ended the block before anything was recorded"


def test_a_model_that_fails_hides_no_later_one(x):
    class Failing(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    with torch.no_grad(), visualizer.capture() as run:
        with pytest.raises(ValueError, match="no"):
            Failing()(x)
        Net()(x)
    assert run.paths == ALONE


@pytest.mark.parametrize("option", [{"locals": "q"}, {"gradients": True}])
def test_what_needs_a_model_says_so(option):
    with pytest.raises(visualizer.errors.OptionError, match="give capture the model"):
        visualizer.capture(**option)


def test_an_empty_run_says_why(x):
    with visualizer.capture() as run:
        pass
    assert run.why_empty() == "no module was called while recording: call a model within the block"
    with visualizer.capture() as run:
        q = torch.randn(1, 2, 5, 4)
        functional.scaled_dot_product_attention(q, q, q)
    assert run.why_empty().startswith("1 call was seen that no module made")
    with visualizer.capture() as run:
        nn.Linear(8, 8)(x)
    assert run.why_empty().startswith("modules ran without any softmax")


def test_a_run_of_whatever_models_says_what_its_numbers_depend_on():
    with torch.no_grad(), visualizer.capture() as run:
        Net()(torch.randn(1, 5, 8))
    assert run.provenance["torch"] == torch.__version__
    assert {"python", "platform", "seed", "packages"} <= set(run.provenance)
    assert "model" not in run.provenance
