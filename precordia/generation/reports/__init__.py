"""Reports: what the judgement of an ECG says, in reading order."""
