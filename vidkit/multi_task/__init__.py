"""Several tasks in one run, on encoders that they share: a model, a data set, metrics.

Knows no task: the models and data sets of tasks are parts of a config.
"""

from vidkit.multi_task.data import MixedTasks, TasksInTurn
from vidkit.multi_task.metric import TaskMetric
from vidkit.multi_task.model import MultiTask, task_weights

__all__ = ["MixedTasks", "MultiTask", "TaskMetric", "TasksInTurn", "task_weights"]
