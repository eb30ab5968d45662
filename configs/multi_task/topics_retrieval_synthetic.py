"""Topics and retrieval in one run, with one visual encoder, on the synthetic data set: trains on a laptop.

Run:      vidkit train multi_task/topics_retrieval_synthetic
Data:     docs/synthetic_data.md
Results:  docs/multi_task.md
"""

_base_ = ["../_base_/topics_and_retrieval.py", "../_base_/synthetic_usv_tasks.py", "../_base_/runtime.py"]

# The checkpoint that is best at topics on the validation videos is kept as best.pth.
default_hooks = dict(checkpoint=dict(save_best="topics/mca", rule="greater"))
