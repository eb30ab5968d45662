"""Table 5, row I (TSN) + III: pictures and text.

Run:      vidkit train topic_recognition/mmf_net_tsn_text
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["mmf_net_tsn.py"]

model = dict(branches=dict(audio=None))
