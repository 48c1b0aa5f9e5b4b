"""One spec a lab: how inputs are drawn, and the wrong answers that must lose."""
