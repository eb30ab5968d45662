"""All registries of vidkit, each with the contract of what it holds.

A registry maps a name in a config (``type="RASL"``) to a class. Those that mmengine knows are children of
its registries (scope ``vidkit``), so its runner finds our classes and our configs find its
(``CheckpointHook``, ``CosineAnnealingLR``, every optimiser of torch). Components are imported on the first
look-up, from ``locations``; third parties add theirs by ``custom_imports`` in a config or through the entry
point group ``vidkit.plugins``.

    >>> from vidkit.registry import ENCODERS
    >>> ENCODERS.build(dict(type="Precomputed", dim=512)).dim
    512
"""

if __name__ != "vidkit.registry":
    raise ImportError(f"import it as vidkit.registry, not as {__name__}")

import mmengine.registry as _mmengine

from vidkit.registry.builder import PLUGIN_GROUP, ConfigError, Registry, build, check

_TASKS = [
    "vidkit.tasks.highlight_detection",
    "vidkit.tasks.moment_retrieval",
    "vidkit.tasks.repurposing",
    "vidkit.tasks.topic_recognition",
    "vidkit.tasks.video_text_retrieval",
]
_MODELS = ["vidkit.multi_task", *_TASKS]

ENCODERS = Registry("encoder", scope="vidkit", locations=["vidkit.encoders"])
"""Raw clips of one modality -> one vector per clip.

An ``nn.Module`` with ``modality`` ("visual", "audio", "text"), ``dim`` and a frozen ``recipe`` that says what
a clip is made of. ``forward`` takes a batch of raw clips, uint8 frames (N, F, H, W, 3), float32 waveforms
(N, samples) or a list of str, and returns (N, dim). See ``vidkit.encoders.base.Encoder``.
"""

MODULES = Registry("module", scope="vidkit", locations=["vidkit.modules", *_TASKS])
"""Bricks of models: attention, sequence encoders, heads. ``nn.Module``; ``forward`` says the shapes."""

LOSSES = Registry("loss", scope="vidkit", locations=["vidkit.losses", *_TASKS])
"""``nn.Module`` whose ``forward`` returns a scalar, a mean normalised by the count over all processes."""

MODELS = Registry("model", parent=_mmengine.MODELS, scope="vidkit", locations=["vidkit.data", *_MODELS])
"""mmengine ``BaseModel``: ``forward(inputs, data_samples, mode)`` with mode "loss", "predict" or "tensor".

Data preprocessors (``vidkit.data.PadSequences``) are found here too, as in mmengine.
"""

DATASETS = Registry("dataset", parent=_mmengine.DATASETS, scope="vidkit", locations=["vidkit.data", *_MODELS])
"""``torch.utils.data.Dataset`` of ``dict(inputs={modality: Tensor (T, D)}, data_samples=VideoSample)``."""

TRANSFORMS = Registry("transform", parent=_mmengine.TRANSFORMS, scope="vidkit", locations=["vidkit.data"])
"""Callables of data sets: from sample to sample, which frames or sound a sample reads, crops of frames."""

DATA_SAMPLERS = Registry(
    "data sampler", parent=_mmengine.DATA_SAMPLERS, scope="vidkit", locations=["vidkit.data"]
)
"""Samplers of indices, deterministic in (seed, epoch), in one global order for every number of processes."""

METRICS = Registry(
    "metric", parent=_mmengine.METRICS, scope="vidkit", locations=["vidkit.evaluation", *_MODELS]
)
"""mmengine ``BaseMetric``: a thin shell round a pure function, which ``vidkit evaluate`` calls as well."""

HOOKS = Registry("hook", parent=_mmengine.HOOKS, scope="vidkit", locations=["vidkit.engine.hooks"])
"""mmengine ``Hook``: what happens beside training."""

OPTIMIZERS = Registry(
    "optimizer", parent=_mmengine.OPTIMIZERS, scope="vidkit", locations=["vidkit.engine.optimizers"]
)
"""Optimisers: every one of torch by its class name, and Lion of timm."""

OPTIM_WRAPPERS = Registry(
    "optim_wrapper", parent=_mmengine.OPTIM_WRAPPERS, scope="vidkit", locations=["vidkit.engine.optimizers"]
)
"""What steps an optimiser: plain, or with automatic mixed precision."""

PARAM_SCHEDULERS = Registry("parameter scheduler", parent=_mmengine.PARAM_SCHEDULERS, scope="vidkit")
"""Schedules of learning rate and momentum: all of mmengine's."""

LOOPS = Registry("loop", parent=_mmengine.LOOPS, scope="vidkit", locations=["vidkit.engine.loops"])
"""Training, validation and test loops: all of mmengine's, and one without steps, for trained parts."""

TASKS = Registry("task", scope="vidkit", locations=_TASKS)
"""One ``vidkit.apis.Task`` a task folder: how a trained model of the task reads a raw video."""

BASELINES = Registry("baseline", scope="vidkit", locations=_TASKS)
"""Guesses without a model, which ``vidkit sweep`` puts beside the results of a task.

A class with ``task``, ``name`` (in the table) and ``is_random``, constructed with ``seed``. Called with a
sample and its inputs, it returns the sample with the ``pred_...`` fields that the task's metric reads.
"""

CONVERTERS = Registry("checkpoint layout", scope="vidkit", locations=_TASKS)
"""Layouts of public checkpoints of models, one class each, for ``vidkit convert``.

``recognises(weights)`` says whether a checkpoint has the layout, by the names of its weights.
``convert(weights)`` returns the config of the model that loads them, as far as the weights show it (a dict
with a type of ``MODELS``), and all weights by their names in that model. Both are called on the class.
"""

# mmengine looks for everything in the scope of the config; empty children spare it a warning each.
_declared = {registry.parent for registry in Registry.every}
_REST = [
    Registry(root.name, parent=root, scope="vidkit")
    for root in vars(_mmengine.root).values()
    if isinstance(root, _mmengine.Registry) and root not in _declared
]

__all__ = [
    "PLUGIN_GROUP",
    "ConfigError",
    "Registry",
    "build",
    "check",
    "ENCODERS",
    "MODULES",
    "LOSSES",
    "MODELS",
    "DATASETS",
    "TRANSFORMS",
    "DATA_SAMPLERS",
    "METRICS",
    "HOOKS",
    "OPTIMIZERS",
    "OPTIM_WRAPPERS",
    "PARAM_SCHEDULERS",
    "LOOPS",
    "TASKS",
    "BASELINES",
    "CONVERTERS",
]
