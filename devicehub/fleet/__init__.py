"""The phones that are there now: who they are, how they do, and what is done when adb falters."""
