"""Check answers against reference activations, and grade classes of them."""
