"""The pulse of a fingertip on video and of an oximeter, beside a strap and an ECG."""
