"""The version of emorec, here alone."""

__version__ = "0.1.0"
