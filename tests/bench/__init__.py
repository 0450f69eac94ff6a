"""Speed and memory of the action, side by side with other ways to upload, measured in one run."""
