"""MMCT without the alignment guider, with the loss weights and the schedule of the released code.

Run:      vidkit train repurposing/mmct_repurpose10k_released
Data:     docs/repurposing.md#repurpose-10k
Results:  docs/repurposing.md
"""

_base_ = ["../_base_/mmct.py", "../_base_/repurpose10k.py", "../_base_/runtime_best.py"]

model = dict(
    guider=None,
    loss=dict(unimodal=0.0, fused=0.2, alignment=0.0, regression=0.8),
)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
train_cfg = dict(max_epochs=50)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=5, convert_to_iter_based=True),
]
