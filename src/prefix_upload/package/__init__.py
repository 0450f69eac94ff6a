"""What a conda package is: its bytes, its metadata, and the rules for both."""
