"""vidkit features: what stands in a feature store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidkit.commands.frame import SOME_FAILED, Quiet, command, print_json, sentence

if TYPE_CHECKING:
    from vidkit.features import FeatureStore

features_app = typer.Typer(help="Look at feature stores.", no_args_is_help=True)

Store = Annotated[Path, typer.Argument(help="Folder of a feature store.")]
EncoderName = Annotated[
    str | None,
    typer.Option("--encoder", metavar="NAME", help="Which encoder of the store, if it has several."),
]


@features_app.command("status")
@command
def features_status(store: Store, quiet: Quiet = False) -> None:
    """Print how far the features of each encoder are, as JSON.

    Example: vidkit features status features

    Videos that are done, failed and left, hours of video, megabytes, and the seconds until nothing is left.
    """
    from vidkit.features.manifest import as_json, status_of

    found = _store(store)
    status = status_of(found.root)
    if not status:
        raise ValueError(f"{store} is no feature store; make one with: vidkit extract VIDEOS --out {store}")
    print_json({name: as_json(one) for name, one in status.items()})


@features_app.command("check")
@command
def features_check(
    store: Store,
    against: Annotated[
        str | None, typer.Option("--against", metavar="DIR", help="Features that they should equal.")
    ] = None,
    encoder: EncoderName = None,
    min_cosine: Annotated[
        float, typer.Option("--min-cosine", help="What every clip must reach, with --against.")
    ] = 0.999,
    quiet: Quiet = False,
) -> None:
    """Read every array of a store and compare it with its sidecar, or with the same features of others.

    Example: vidkit features check features --against slowfast_features --encoder SlowFast

    With --against the answer is JSON: cosine of the clips, the worst ones, other lengths, what a difference
    looks like. The exit code is 1 if something is wrong.
    """
    if against is None:
        agrees = _check_store(_store(store))
    else:
        from vidkit.features.compare import compare_features, open_features

        here = open_features(store, encoder=encoder)
        found = compare_features(here, open_features(against, encoder=encoder), min_cosine=min_cosine)
        print_json(found.as_json())
        agrees = found.agrees
    if not agrees:
        raise typer.Exit(SOME_FAILED)


@features_app.command("convert")
@command
def features_convert(
    store: Store,
    layout: Annotated[str, typer.Option("--layout", help="qvhighlights, repurpose10k or umt.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Gets the folders of the layout.")],
    encoder: EncoderName = None,
    quiet: Quiet = False,
) -> None:
    """Write the features of a store as the codes of a benchmark read them, and print the folders as JSON.

    Example: vidkit features convert features --layout qvhighlights --out qvhighlights_features
    """
    from vidkit.features.convert import convert_features

    names = [name.strip() for name in encoder.split(",")] if encoder else []
    print_json(convert_features(_store(store).root, layout, out, encoders=names))


def _check_store(found: FeatureStore) -> bool:
    import numpy as np

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
    return wrong == 0


def _store(path: Path) -> FeatureStore:
    from vidkit.features import FeatureStore

    if not path.is_dir():
        raise FileNotFoundError(
            f"no feature store at {path}; make one with: vidkit extract VIDEOS --out {path}"
        )
    return FeatureStore(path)
