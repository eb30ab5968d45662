"""UMT without a query on Repurpose-10K: a last row of Table 3.

Run:      vidkit train repurposing/umt_repurpose10k
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/moment_retrieval.md#repurpose-10k, row umt_repurpose10k
"""

_base_ = ["../_base_/umt.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(type="Precomputed", dim=512, modality="visual", name="clip"),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="pann"),
    text_encoder=None,
    loss=dict(saliency=None),  # nobody judged seconds: the score of a center stands for it
    clip_seconds=1.0,
    num_window_clips=1800,  # half an hour, the longest chunk
)
train_cfg = dict(max_epochs=100)  # as MMCT: the paper does not give those of its baselines
# Their scores are no probability of a clip: the number of clips, not the threshold of 0.5, cuts the ranking.
val_evaluator = dict(selection=dict(type="ClipSelection", threshold=0.0))
test_evaluator = dict(selection=dict(type="ClipSelection", threshold=0.0))
