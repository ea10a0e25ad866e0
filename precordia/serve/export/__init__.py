"""A report and its ECG in the forms that other systems read."""
