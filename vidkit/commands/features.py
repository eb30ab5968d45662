"""vidkit features: what stands in a feature store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidkit.commands.frame import Quiet, command, print_json, sentence

if TYPE_CHECKING:
    from vidkit.features import FeatureStore

features_app = typer.Typer(help="Look at feature stores.", no_args_is_help=True)

Store = Annotated[Path, typer.Argument(help="Folder of a feature store.")]


@features_app.command("status")
@command
def features_status(store: Store, quiet: Quiet = False) -> None:
    """Print how many videos each encoder of a store has, and their size, as JSON.

    Example: vidkit features status features
    """
    found = _store(store)
    print_json({name: _status(found[name]) for name in found.encoders()})


@features_app.command("check")
@command
def features_check(store: Store, quiet: Quiet = False) -> None:
    """Read every array of a store and compare it with its sidecar; names those that are wrong.

    Example: vidkit features check features
    """
    import numpy as np

    found = _store(store)
    wrong = 0
    for name in found.encoders():
        for video_id in found[name].video_ids():
            try:
                if not np.isfinite(found[name][video_id]).all():
                    raise ValueError(f"{name}/{video_id} holds numbers that are not finite; extract it again")
            except (ValueError, OSError, KeyError) as error:
                wrong += 1
                print(sentence(error))
    print(f"{wrong} wrong")
    if wrong:
        raise typer.Exit(1)


def _store(path: Path) -> FeatureStore:
    from vidkit.features import FeatureStore

    if not path.is_dir():
        raise FileNotFoundError(
            f"no feature store at {path}; make one with: vidkit extract VIDEOS --out {path}"
        )
    return FeatureStore(path)


def _status(features: Any) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in features.folder.glob("*.npy"))
    return {"videos": len(features), "megabytes": round(size / 1e6, 1)}
