"""A file of weights into an encoder: recognised, mapped, and every one of them loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from vidkit.checkpoints import misfits
from vidkit.encoders.weights.containers import State, read_weights
from vidkit.encoders.weights.schemes import recognise
from vidkit.encoders.weights.source import local_weights, split_prefix
from vidkit.seeds import derived_seed

Converter = Callable[[State], State]

_COUNTER = "num_batches_tracked"  # of batch norms; nothing that we compute uses it, and many files lack it


@contextmanager
def fixed_random(name: str) -> Iterator[None]:
    """Draw the same random weights in every process; torch's own generator is left as it was.

    Features of an encoder without weights can so be found again, and are the same on every machine.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(0, name))
        yield


def load_into(
    module: nn.Module,
    weights: str | Path,
    *,
    converters: Mapping[str, Converter],
    otherwise: Converter | None = None,
    owner: str,
    trust: bool = False,
) -> None:
    """Load a file of weights into a module, every one of them.

    A checkpoint of vidkit in which the module stands under a prefix (an encoder inside a trained model) loads
    by its own names; ``FILE#PREFIX`` says which, if several would fit.

    Args:
        module: What takes the weights.
        weights: File, FILE#PREFIX, or a name of the catalogue of public weights.
        converters: Scheme of ``SCHEMES`` -> what turns its names into those of the module. What a converter
            leaves out (a classifier) is dropped on purpose; what it leaves in must fit.
        otherwise: The same for files of every other scheme, and of none; None refuses them.
        owner: Name of the encoder, for messages.
        trust: Whether a pickle may run code while it is read. Only for files that you made yourself.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, follows another scheme, or has weights missing, left over or of
            another shape.
    """
    path, prefix = split_prefix(local_weights(weights) or weights)
    state = read_weights(path, trust=trust)
    if (own := _own_weights(module, state, prefix, str(path))) is not None:
        _load(module, own, f"{path} does not fit {owner}")
        note_source(module, weights)
        return
    scheme = recognise(state)
    looks = f"looks like weights of {scheme}" if scheme else f"is of no scheme we know ({_some(state)})"
    convert = converters.get(scheme or "", otherwise)
    if convert is None:
        raise ValueError(f"{path} {looks}; {owner} loads: {', '.join(converters)}")
    _load(module, convert(state), f"{path} {looks} and does not fit {owner}")
    note_source(module, weights)


def note_source(module: nn.Module, weights: str | Path) -> None:
    """Note where the weights of a module came from, for ``source_of_weights``."""
    module._weights_source = str(weights)  # type: ignore[assignment]


def source_of_weights(module: nn.Module) -> str | None:
    """Return the file that the weights of a module came from; "random" if from none, None if it has none."""
    for part in module.modules():
        if (source := getattr(part, "_weights_source", None)) is not None:
            return str(source)
    return "random" if any(True for _ in module.parameters()) else None


def _load(module: nn.Module, state: State, problem: str) -> None:
    own = module.state_dict()
    counters = {name: value for name, value in own.items() if name.endswith(_COUNTER) and name not in state}
    state = {name: value.to(own[name].dtype) if name in own else value for name, value in state.items()}
    if problems := misfits(module, {**counters, **state}):
        raise ValueError(f"{problem}: {problems}; is it of another size or variant?")
    module.load_state_dict({**counters, **state})


def _own_weights(module: nn.Module, state: State, prefix: str, path: str) -> State | None:
    """Return the module's own weights out of a checkpoint of vidkit, or None if it is none."""
    own = {name: value.ndim for name, value in module.state_dict().items() if not name.endswith(_COUNTER)}
    first = next(iter(own))
    prefixes = [name.removesuffix(first) for name in state if name == first or name.endswith("." + first)]
    fitting = [  # a 2-D network may have the names of a 3-D one
        p for p in prefixes if all(p + name in state and state[p + name].ndim == own[name] for name in own)
    ]
    if prefix:
        wanted = prefix.rstrip(".") + "."
        inside = [p for p in fitting if p.startswith(wanted)]
        if not inside:
            raise ValueError(
                f"{path} has no whole {type(module).__name__} under {prefix!r}; "
                f"it has one under: {', '.join(p.rstrip('.') for p in fitting) or 'no prefix'}"
            )
        fitting = inside
    others = sum(not name.endswith(_COUNTER) for name in state) - len(own)
    if not fitting or (fitting == [""] and others):
        return None
    if len(fitting) > 1 and recognise(state):
        return None
    if len(fitting) > 1:
        raise ValueError(
            f"{path} holds several that fit: {', '.join(p.rstrip('.') for p in fitting)}; "
            f"say which: {path}#{fitting[0].rstrip('.')}"
        )
    names = (name for name in module.state_dict() if fitting[0] + name in state)
    return {name: state[fitting[0] + name] for name in names}


def _some(state: State) -> str:
    names = list(state)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
