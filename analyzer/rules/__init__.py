"""One failure, one file; the file's name, with dashes, is the rule's name. Files here know nothing of each other."""
