"""Files in, events out. Import the modules, not the package: an import here must pull in nothing."""
