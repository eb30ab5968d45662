"""MMF-Net whose trained branches learn on together, for the fused scores. Beyond the paper.

Run:      vidkit train topic_recognition/mmf_net_tsn_joint
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["mmf_net_tsn.py"]

model = dict(type="JointMMFNet")
train_dataloader = dict(batch_size=32)
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=20)
optim_wrapper = dict(
    optimizer=dict(lr=0.005, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={"branches.text": dict(lr_mult=0.01)}),  # BERT's 5e-5
    clip_grad=dict(max_norm=40, norm_type=2),
)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
