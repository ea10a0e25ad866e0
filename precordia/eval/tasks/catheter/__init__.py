"""Simulated electrograms of catheters: hidden stretches said, and fibrillation told."""
