"""UMT on YouTube Highlights, one model for all domains.

Run:      vidkit train moment_retrieval/umt_youtube_highlights_all_domains
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row umt_youtube_highlights_all_domains
"""

_base_ = ["./umt_youtube_highlights.py"]

train_dataloader = dict(dataset=dict(domain=None))
val_dataloader = dict(dataset=dict(domain=None))
test_dataloader = dict(dataset=dict(domain=None))
