"""Makes the weights of a checkpoint sparse."""
