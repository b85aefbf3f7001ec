"""What a run is led by and what it must keep: guidance, observations, constraints."""
