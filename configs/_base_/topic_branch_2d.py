"""A branch of MMF-Net on a 2-D network, as the USV-1.0 paper trains it (appendix A.3).

Momentum, weight decay, dropout and clipping are not in the paper: those of TSN in mmaction2.
"""

model = dict(
    type="TopicBranch", encoder=dict(type="TSN", recipe="crops", num_segments=8), topics="usv", dropout=0.4
)
inference = dict(type="TopicInference")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.05, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=40, norm_type=2),
)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=5)
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, milestones=[40, 80], gamma=0.1)]
val_evaluator = dict(type="TopicMetric")
test_evaluator = dict(type="TopicMetric")
