"""SL-Module, the light baseline of Table 3, on Repurpose-10K.

Run:      vidkit train repurposing/sl_module_repurpose10k
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(
    type="SLModule",
    visual_encoder=dict(type="Precomputed", dim=512, modality="visual", name="clip"),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="pann"),
    text_encoder=dict(type="Precomputed", dim=384, modality="text", name="minilm"),
    selection=dict(type="ClipSelection"),
)
inference = dict(type="RepurposingInference")
# The schedule of MMCT: the paper does not give that of its baselines.
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=1e-4))
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=5, convert_to_iter_based=True),
]
