"""Files that were made to break a reader, and odd ones that are packages all the same, each with its verdict."""
