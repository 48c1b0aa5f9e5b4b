"""Recipes that say what was planted in a model; hidden from code that is being graded."""
