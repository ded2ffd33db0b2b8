"""Builds engines from MNN's sources: what is needed, the commands, and the carrying out of them."""
