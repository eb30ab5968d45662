"""VisionaryVids on YouTube Highlights, one model for all domains.

Run:      vidkit train moment_retrieval/visionary_vids_youtube_highlights_all_domains
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row visionary_vids_youtube_highlights_all_domains
"""

_base_ = ["./visionary_vids_youtube_highlights.py"]

train_dataloader = dict(dataset=dict(domain=None))
val_dataloader = dict(dataset=dict(domain=None))
test_dataloader = dict(dataset=dict(domain=None))
optim_wrapper = dict(optimizer=dict(lr=1e-4))  # that of most domains
