"""An archive: an index of videos and what turns videos and sentences into its vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np

from vidkit.retrieval.approximate import IndexKind
from vidkit.retrieval.embedder import Embedder
from vidkit.retrieval.entries import Entry, Hit, Kind
from vidkit.retrieval.exact import Floats
from vidkit.retrieval.index import Index
from vidkit.retrieval.text_embedder import open_embedder

Tell = Callable[[float, str], None]

_SECONDS_A_STEP = 30.0  # of work that a stop may lose


@dataclass
class AddReport:
    """What became of each video.

    Attributes:
        done: Videos that are new in the index, or replaced.
        skipped: Videos that were there.
        failed: Why the others are not, one sentence a video.
    """

    done: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)


class Archive:
    """Videos that are found by a sentence.

    Args:
        index: Whose vectors the embedder makes.
        embedder: What turns videos and sentences into vectors.

    Raises:
        ValueError: If the index was made by another encoder.
    """

    def __init__(self, index: Index, embedder: Embedder) -> None:
        index.check_encoder(embedder.description())
        self.index = index
        self.embedder = embedder

    @classmethod
    def open(cls, path: str | Path) -> Archive:
        """Return the archive in a folder, with the embedder that it was made with.

        Raises:
            FileNotFoundError: If there is no index, or the weights of its encoder are not here.
            ValueError: If the index is damaged, or the weights have changed since.
        """
        index = Index.open(path)
        return cls(index, open_embedder(index.encoder))

    @classmethod
    def build(cls, path: str | Path, embedder: Embedder, *, kind: IndexKind = "auto") -> Archive:
        """Return the archive in a folder, a new one if there is none.

        Raises:
            ValueError: If the folder has an index that another embedder or other settings made.
            OSError: If the folder cannot be written.
        """
        said = embedder.description()
        try:
            index = Index.create(path, dim=embedder.dim, encoder=said, kind=kind)
        except FileExistsError:
            index = Index.open(path)
        if index.encoder.get("settings") != said["settings"]:
            raise ValueError(
                f"{path} has an index with the settings {index.encoder.get('settings')}, not "
                f"{said['settings']}; give another folder, or add to it with: vidkit index add"
            )
        return cls(index, embedder)

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.index.close()

    def add(
        self,
        videos: Sequence[Path],
        *,
        replace_videos: bool = False,
        tell: Tell = lambda share, text: None,
    ) -> AddReport:
        """Add videos; run it again to continue after a stop.

        A video is known by its stem. One that is there from the same path is skipped.

        Args:
            videos: Files.
            replace_videos: Whether those that are there are read and put in anew.
            tell: Called with the share of the videos that is done, in [0, 1], and the one at work.

        Raises:
            TimeoutError: If another program writes for too long.
            OSError: If the disk is full or not writable; what was added before is kept.
        """
        report = AddReport()
        there = self.index.videos()
        waiting: dict[Path, tuple[Floats, list[Entry]]] = {}
        seen: dict[str, str] = {}
        stored = time.monotonic()
        for number, path in enumerate(videos):
            tell(number / len(videos), path.name)
            own, known = str(path.absolute()), seen.get(path.stem) or there.get(path.stem)
            is_new = known is None or (replace_videos and path.stem not in seen)
            if is_new:

                def on_share(part: float, number: int = number, name: str = path.name) -> None:
                    tell((number + part) / len(videos), name)

                try:
                    waiting[path] = self.embedder.embed_video(path, on_share=on_share)
                    seen[path.stem] = own
                except (ValueError, OSError) as error:  # of this video; the others go on
                    report.failed[path] = str(error)
            elif known == own:
                report.skipped.append(path)
            else:
                report.failed[path] = f"the id {path.stem!r} is that of {known}; rename one of the two files"
            if waiting and (time.monotonic() - stored > _SECONDS_A_STEP or number == len(videos) - 1):
                self._store(list(waiting.values()), replace_videos)
                report.done += waiting
                waiting, stored = {}, time.monotonic()
        return report

    def search(self, text: str, k: int = 10, *, kind: Kind | None = None) -> list[Hit]:
        """Return the k best answers to a sentence, best first.

        Args:
            text: What is looked for.
            k: How many, >= 1.
            kind: "moment" or "video"; None finds both.

        Raises:
            ValueError: If the text has no word, the index is empty or an argument is out of its range.
        """
        self._check_filled()
        return self.index.search(self.embedder.embed_text(text)[None], k, kind=kind)[0]

    def search_example(self, path: str | Path, k: int = 10, *, kind: Kind | None = None) -> list[Hit]:
        """Return the k best answers to a video or picture, best first; else as ``search``.

        Raises:
            ValueError: If the file cannot be read, or the vectors know words alone.
        """
        self._check_filled()
        return self.index.search(self.embedder.embed_example(Path(path))[None], k, kind=kind)[0]

    def _check_filled(self) -> None:
        if not len(self.index):
            raise ValueError(
                f"the index {self.index.path} is empty; add videos: vidkit index add {self.index.path} VIDEOS"
            )

    def _store(self, waiting: Sequence[tuple[Floats, list[Entry]]], replace_videos: bool) -> None:
        vectors = np.concatenate([each for each, _ in waiting])
        entries = [entry for _, each in waiting for entry in each]
        self.index.add(vectors, entries, replace_videos=replace_videos)
