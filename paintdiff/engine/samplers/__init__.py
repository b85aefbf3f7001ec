"""The methods that walk from noise to picture, one family in each file."""
