"""Models for Qualcomm's NPU: MNN's own exporter and Qualcomm's SDK, step by step."""
