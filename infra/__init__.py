"""The CDK application: constructs that build, and one stack that wires them."""
