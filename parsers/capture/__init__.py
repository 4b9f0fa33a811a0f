"""One capture file in, events out. numpy finds the frames that matter; Python reads only those."""
