"""Table 5, row I (SlowFast) + II: pictures and sound.

Run:      vidkit train topic_recognition/mmf_net_slowfast_audio
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["mmf_net_slowfast.py"]

model = dict(branches=dict(text=None))
