"""Table 5, row I (SlowFast) + III: pictures and text.

Run:      vidkit train topic_recognition/mmf_net_slowfast_text
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["mmf_net_slowfast.py"]

model = dict(branches=dict(audio=None))
