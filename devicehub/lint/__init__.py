"""What MNN would make of a configuration: each key, each value, each file that they name."""
