"""A branch of MMF-Net on a 3-D network, as the USV-1.0 paper trains it (appendix A.3).

Momentum, weight decay, dropout and clipping are not in the paper: those of SlowFast in mmaction2.
"""

model = dict(type="TopicBranch", topics="usv", dropout=0.5)
inference = dict(type="TopicInference")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=40, norm_type=2),
)
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=5)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
val_evaluator = dict(type="TopicMetric")
test_evaluator = dict(type="TopicMetric")
