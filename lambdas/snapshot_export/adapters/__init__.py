"""What the flows reach the world through: DynamoDB, QuickSight, S3, Step Functions, SQS, EventBridge."""
