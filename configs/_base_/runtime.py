"""Checkpoints, logs and the seed of every run."""

default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=2),
    logger=dict(type="LoggerHook", interval=10),
)
randomness = dict(seed=0)
