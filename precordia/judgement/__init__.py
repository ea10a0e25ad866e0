"""How far each finding is borne out, in one place."""
