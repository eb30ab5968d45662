"""Several seeds of one config: trained, tested, and told as mean and spread beside guesses without a model.

A sweep's folder has the config in ``sweep.json`` and a run in ``seed_S`` for every seed S; ``metrics.json``
in it says that the seed is finished.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.evaluator import Evaluator

from vidkit import apis
from vidkit.engine import change_config, check_config, load_config
from vidkit.engine.runner import build_dataset, build_metrics
from vidkit.files import read_json, write_json
from vidkit.registry import BASELINES, MODELS, ConfigError

LAST, BEST = "last_epoch", "best_on_val"
_NUM_NAMED = 3  # keys in which two configs differ

Metrics = dict[str, float]


def sweep(
    config: str | Path | Config,
    *,
    seeds: Sequence[int],
    work_dir: str | Path,
    options: Iterable[str] = (),
    quiet: bool = False,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train and test a config with every seed, and return what came out.

    What is there already is not done again: a finished seed is read, one that was stopped is resumed.

    Args:
        config: A file, a name, or a loaded config.
        seeds: Different numbers, each put into ``randomness.seed``.
        work_dir: Folder of the sweep.
        options: Changes of the config, each "key.path=value".
        quiet: Only warnings on stderr.
        tell: Called with a line when a seed begins.

    Returns:
        ``seeds``; ``last_epoch``; ``best_on_val`` where every run has a checkpoint that was best on the
        validation data; and ``baselines`` by name. Each of these has, for every metric, what ``spread`` says.

    Raises:
        ConfigError: If the config is wrong, or trains or tests nothing.
        FileNotFoundError: If data is missing.
        ValueError: If there is no seed or one twice, or the folder holds a sweep of another config.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"a sweep needs seeds, each once, got {list(seeds)}")
    settings = config if isinstance(config, Config) else load_config(config, options)
    check_config(settings)
    for split in ("train", "test"):
        if not settings.get(f"{split}_dataloader"):
            raise ConfigError(f"the config has no {split}_dataloader, which a sweep needs; give one")
    folder = Path(work_dir)
    _claim(folder, settings)
    results = []
    for number, seed in enumerate(seeds, 1):
        if tell is not None:
            tell(f"seed {seed} ({number} of {len(seeds)})")
        results.append(_result_of(settings, seed, folder / f"seed_{seed}", quiet=quiet))
    names = [name for name in (LAST, BEST) if all(name in result for result in results)]
    guesses = baseline_metrics(settings, seeds)
    return {
        "seeds": list(seeds),
        **{name: spread([result[name] for result in results]) for name in names},
        "baselines": {name: spread(metrics) for name, metrics in guesses.items()},
    }


def spread(metrics: Sequence[Metrics]) -> dict[str, dict[str, Any]]:
    """Return mean, standard deviation, smallest, largest and all values of every metric.

    The deviation is that of a sample, over one less than its size; None for a single value.

    Example:
        >>> spread([{"mAP": 1.0}, {"mAP": 3.0}])["mAP"]
        {'mean': 2.0, 'std': 1.4142135623730951, 'min': 1.0, 'max': 3.0, 'values': [1.0, 3.0]}
    """
    told = {}
    for name in metrics[0]:
        values = [row[name] for row in metrics]
        told[name] = {
            "mean": statistics.fmean(values),
            "std": statistics.stdev(values) if len(values) > 1 else None,
            "min": min(values),
            "max": max(values),
            "values": values,
        }
    return told


def table_of(report: Mapping[str, Any]) -> str:
    """Return what ``sweep`` gave as a table in Markdown, a row for each metric of each run.

    Of a metric that has parts, such as "full/MR-mAP/0.5" beside "MR-full-mAP", the parts are left out.
    """
    groups = {"last epoch": report.get(LAST), "best on val": report.get(BEST), **report["baselines"]}
    rows = ["| run | metric | mean | std | smallest | largest |", "|---|---|---|---|---|---|"]
    for run, metrics in groups.items():
        whole = {name: values for name, values in (metrics or {}).items() if "/" not in name}
        for name, values in (whole or metrics or {}).items():
            told = " | ".join(_told(values[key]) for key in ("mean", "std", "min", "max"))
            rows.append(f"| {run} | {name} | {told} |")
    return "\n".join(rows)


def baseline_metrics(settings: Config, seeds: Sequence[int]) -> dict[str, list[Metrics]]:
    """Return the metrics on the test data of what the task's ``BASELINES`` guess, by their name.

    Those that draw are asked with every seed, the others once. No task need have any.
    """
    kinds = [BASELINES.get(name) for name in BASELINES.names()]
    if not kinds:
        return {}
    loader = settings.test_dataloader
    model = MODELS.build(settings.model, path="model")
    dataset = build_dataset(loader["dataset"], model, path="test_dataloader.dataset")
    meta = getattr(dataset, "metainfo", {})
    guesses = [
        (kind.name, kind(seed=seed), _evaluator(settings.test_evaluator, meta))
        for kind in kinds
        if kind.task == meta.get("task")
        for seed in (seeds if kind.is_random else seeds[:1])
    ]
    if not guesses:
        return {}
    for index in range(len(dataset)):
        item = dataset[index]
        for _, guess, evaluator in guesses:
            sample = guess(copy.deepcopy(item["data_samples"]), item["inputs"])
            evaluator.process(data_samples=[sample])
    metrics: dict[str, list[Metrics]] = {}
    for name, _, evaluator in guesses:
        values = {key: float(value) for key, value in evaluator.evaluate(len(dataset)).items()}
        metrics.setdefault(name, []).append(values)
    return metrics


def _evaluator(config: Any, meta: Mapping[str, Any]) -> Evaluator:
    evaluator = Evaluator(build_metrics(config, path="test_evaluator"))
    evaluator.dataset_meta = dict(meta)
    return evaluator


def _result_of(settings: Config, seed: int, work: Path, *, quiet: bool) -> dict[str, Metrics]:
    """Return the metrics of one seed: of its last checkpoint and, if there is one, of its best."""
    done = work / "metrics.json"
    if done.is_file():
        result: dict[str, Metrics] = read_json(done)
        return result
    own = change_config(settings, [f"randomness.seed={seed}"])
    last = apis.train(own, work_dir=work, resume=True, quiet=quiet)
    checkpoints = {LAST: last}
    if (work / "best.pth").is_file():
        checkpoints[BEST] = work / "best.pth"
    result = {name: apis.test(own, checkpoint, quiet=quiet)[0] for name, checkpoint in checkpoints.items()}
    write_json(done, result)
    return result


def _claim(folder: Path, settings: Config) -> None:
    """Note in the folder which config it is of; refuse one with runs of another config, its seed apart."""
    own = _flat(settings.to_dict())
    own.pop("randomness.seed", None)
    note = folder / "sweep.json"
    if not note.is_file() or not any(folder.glob("seed_*")):
        write_json(note, own)
        return
    there = read_json(note)
    differing = [key for key in sorted({*own, *there}) if own.get(key) != there.get(key)]
    if differing:
        told = ", ".join(differing[:_NUM_NAMED])
        raise ValueError(
            f"{folder} holds a sweep of another config, which differs in {told}; give another --work-dir, or "
            "the options of that sweep"
        )


def _flat(value: Any, place: str = "") -> dict[str, str]:
    """Return nested dicts and lists as {"a.0.b": text}."""
    if isinstance(value, Mapping) and value:
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)) and value:
        pairs = [(str(index), item) for index, item in enumerate(value)]
    else:
        return {place: repr(value)}
    return {
        key: text
        for name, item in pairs
        for key, text in _flat(item, f"{place}.{name}" if place else name).items()
    }


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
