"""EventBridge: what is announced, and what each event says."""
