"""How likely a picture is, and what in it surprises."""
