"""Table 5, row I (SlowFast) + II + III: MMF-Net with SlowFast.

Run:      vidkit train topic_recognition/mmf_net_slowfast
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/mmf_net.py", "../_base_/usv_32x2.py", "../_base_/runtime_best.py"]

model = dict(
    branches=dict(
        visual=dict(
            encoder=dict(_delete_=True, type="SlowFast", recipe="crops"),
            dropout=0.5,
            weights="work_dirs/slowfast/best.pth",
        )
    )
)
