"""How fast grading is, and where its time goes: measured against other graders on one class."""
