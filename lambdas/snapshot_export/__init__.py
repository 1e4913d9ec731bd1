"""Amazon QuickSight dashboard snapshots as files in S3: the code of the Lambda functions."""
