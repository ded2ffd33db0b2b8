"""From a Hugging Face checkpoint to an MNN model: recipes, the exporter in a child process, acceptance."""
