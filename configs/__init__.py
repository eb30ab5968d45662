if __name__ != "vidkit.configs":
    raise ImportError(f"import it as vidkit.configs, not as {__name__}")
