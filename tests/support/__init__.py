"""What tests, demonstration and benchmark share."""
