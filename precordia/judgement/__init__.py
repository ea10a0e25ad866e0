"""How far each finding is borne out by an ECG's evidence."""
