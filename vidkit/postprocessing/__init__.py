"""From raw model outputs to what is shown."""

from vidkit.postprocessing.cuts import find_cuts, suppress_cuts
from vidkit.postprocessing.segments import check_selection, runs, segments_from_scores

__all__ = ["check_selection", "find_cuts", "runs", "segments_from_scores", "suppress_cuts"]
