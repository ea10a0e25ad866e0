"""Reports written by Precordia against those of cardiologists."""
