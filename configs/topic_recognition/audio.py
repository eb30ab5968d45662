"""Table 5, row II: ResNet-18 on log-mel spectra of 2 s; the schedule is that of 2-D networks.

Run:      vidkit train topic_recognition/audio
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/topic_branch_2d.py", "../_base_/usv.py", "../_base_/runtime_best.py"]

model = dict(encoder=dict(_delete_=True, type="LogMelResNet", recipe="usv_train"))
