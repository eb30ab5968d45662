"""A small MMF-Net with the embedded encoders on short videos of your own, by a table of them.

Run:      vidkit train topic_recognition/mmf_net_videos
Data:     docs/topic_recognition.md#your-own-videos
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/mmf_net_embedded.py", "../_base_/own_short_videos.py", "../_base_/runtime_best.py"]

_topics = "{{$VIDKIT_DATA:data}}/short_videos/train.csv"

model = dict(
    branches=dict(visual=dict(topics=_topics), audio=dict(topics=_topics), text=dict(topics=_topics))
)
