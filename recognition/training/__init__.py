"""Training of the networks that `recognition` ships, on photographs and drawn plates."""
