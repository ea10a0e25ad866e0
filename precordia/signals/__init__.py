"""Heart signals that are not a resting 12-lead ECG: one lead, hours of it, a pulse, a catheter's electrograms."""
