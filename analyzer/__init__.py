"""Events in; sessions, findings and pages out. Import the modules, not the package."""
