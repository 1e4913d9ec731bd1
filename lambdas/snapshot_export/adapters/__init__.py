"""What the flows reach the world through: the AWS services, each with our errors."""
