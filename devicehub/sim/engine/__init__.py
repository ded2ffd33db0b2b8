"""The virtual MNN engine: `python -m devicehub.sim.engine` on the phone."""
