if __name__ != "vidkit.tasks":
    raise ImportError(f"import it as vidkit.tasks, not as {__name__}")
