"""Stands where llmexport is installed; its main is in the module of the same name, as there."""
