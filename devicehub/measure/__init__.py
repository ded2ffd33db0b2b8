"""How a figure is made, and what it is worth: protocols, checks, fidelity, comparisons; pure."""
