"""Tables 6 and 7, rows V: pictures against titles.

Run:      vidkit train video_text_retrieval/vtcl_visual
Data:     docs/topic_recognition.md#usv-10
Results:  docs/video_text_retrieval.md
"""

_base_ = ["../_base_/vtcl.py", "../_base_/usv.py", "../_base_/runtime_best.py"]
