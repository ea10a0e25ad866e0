"""Minutes to days of ECG: beats, rhythm and events with their places, in bounded memory."""
