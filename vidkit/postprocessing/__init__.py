"""From raw model outputs to what is shown."""

from vidkit.postprocessing.chunks import chunks_of
from vidkit.postprocessing.cuts import find_cuts, suppress_cuts
from vidkit.postprocessing.nms import hard_nms, linear_soft_nms, soft_nms
from vidkit.postprocessing.segments import check_selection, runs, segments_from_scores
from vidkit.postprocessing.snapping import snap_segments

__all__ = [
    "check_selection",
    "chunks_of",
    "find_cuts",
    "hard_nms",
    "linear_soft_nms",
    "runs",
    "segments_from_scores",
    "snap_segments",
    "soft_nms",
    "suppress_cuts",
]
